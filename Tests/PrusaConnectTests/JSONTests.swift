import Testing

@testable import PrusaConnect

@Suite struct JSONTests {
    @Test(
        "Floats look as Python's repr prints them",
        arguments: [
            (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (12.5, "12.5"), (100.0, "100.0"), (-0.645, "-0.645"),
            (0.1 + 0.2, "0.30000000000000004"), (1e15, "1000000000000000.0"), (1e16, "1e+16"), (1.5e16, "1.5e+16"),
            (9_999_999_999_999_998.0, "9999999999999998.0"), (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (1e-4, "0.0001"), (1.5e-4, "0.00015"), (1e-5, "1e-05"), (1.25e-7, "1.25e-07"), (1e100, "1e+100"),
            (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (2.5e-10, "2.5e-10"),
            (9_007_199_254_740_992.0, "9007199254740992.0"), (18_014_398_509_481_984.0, "1.8014398509481984e+16"),
        ])
    func floats(_ number: Double, _ text: String) {
        #expect(JSONValue.double(number).wireText == text)
    }

    @Test("Whole numbers, the largest and the smallest too")
    func integers() {
        for number in [0, 7, 10, -1, -10, 1_719_310_000, Int64.max, Int64.min] {
            #expect(JSONValue.int(number).wireText == "\(number)")
        }
        #expect(JSONValue.unsigned(UInt64.max).wireText == "18446744073709551615")
    }

    @Test("Random doubles come back from their text")
    func floatsRoundTrip() throws {
        for _ in 0..<2000 {
            let number = Double(bitPattern: .random(in: 0 ... .max))
            guard number.isFinite else { continue }
            #expect(Double(pythonRepr(number)) == number)
        }
    }

    @Test("Null, NaN and infinity are left out however deep")
    func leavesOut() {
        let value: JSONValue = [
            "a": nil, "b": 0, "c": 0.0, "d": "", "e": false, "f": [:], "g": [1, nil, .double(.nan), ["x": nil]],
            "h": ["i": nil, "j": [nil]], "k": .double(.infinity),
        ]
        #expect(
            value.wireText == #"{"b": 0, "c": 0.0, "d": "", "e": false, "f": {}, "g": [1, {}], "h": {"j": []}}"#)
        #expect(JSONValue.null.wireText == "null")
    }

    @Test("Text is ASCII with Python's escapes")
    func escapes() {
        let text = JSONValue.string("é\u{1F600}\"\\/\n\r\t\u{8}\u{C}\u{1}\u{7F}ž")
        #expect(text.wireText == "\"\\u00e9\\ud83d\\ude00\\\"\\\\/\\n\\r\\t\\b\\f\\u0001\\u007f\\u017e\"")
    }

    @Test("Objects keep their order")
    func order() throws {
        let text = #"{"z": 1, "a": {"y": 2, "b": 3}, "m": [18446744073709551615, -5, 1.5, true, "x"]}"#
        #expect(try JSONValue(parsing: text).wireText == text)
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = 3
        object["c"] = 4
        object["b"] = nil
        #expect(JSONValue.object(object).wireText == #"{"a": 3, "c": 4}"#)
        let left: JSONObject = ["a": 1, "b": 2]
        let right: JSONObject = ["b": 2, "a": 1]
        #expect(left == right)
        #expect(left.hashValue == right.hashValue)
    }

    @Test(
        "What a strict parser takes",
        arguments: [
            (" [ ] ", "[]"), ("{}", "{}"), (#"{"a":1,"a":2}"#, #"{"a": 2}"#), ("-0", "0"), ("1e2", "100.0"),
            ("-1.5E-1", "-0.15"), (#""\u00e9\ud83d\ude00\/""#, #""\u00e9\ud83d\ude00/""#), ("\"é\"", #""\u00e9""#),
            ("18446744073709551615", "18446744073709551615"), ("18446744073709551616", "1.8446744073709552e+19"),
        ])
    func parses(_ text: String, _ written: String) throws {
        #expect(try JSONValue(parsing: text).wireText == written)
    }

    @Test(
        "What it refuses, with place and reason",
        arguments: [
            ("", "Expected a JSON value at byte 0"), ("{broken", "Expected a key in double quotes at byte 1"),
            ("[1,]", "Expected a JSON value at byte 3"), (#"{"a":1,}"#, "Expected a key in double quotes at byte 7"),
            ("[1 2]", "Expected ',' or ']' after the value at byte 3"), ("01", "Expected a number at byte 2"),
            ("1.", "Expected digits after the decimal point at byte 2"),
            ("1e", "Expected digits in the exponent at byte 2"),
            ("-", "Expected a number at byte 1"), ("NaN", "Expected a JSON value at byte 0"),
            ("nul", "Expected a JSON value at byte 0"),
            ("[] []", "Expected the end of the text at byte 3"),
            ("\"a", "Expected '\"' at the end of the text at byte 2"),
            ("\"\\x\"", "Unknown escape in a text at byte 3"),
            ("\"\\ud800\"", "Expected the second surrogate at byte 7"),
            ("\"\\udc00\"", "Lone surrogate in a text at byte 7"), ("\"\n\"", "Control character in a text at byte 2"),
            ("1e999", "Number out of range at byte 5"), (#"{"a" 1}"#, "Expected ':' after the key at byte 5"),
            ("\"\\u12\"", "Expected four hex digits at byte 3"),
        ])
    func refuses(_ text: String, _ message: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(error?.description == message)
    }

    @Test("Limits hold")
    func limits() throws {
        let deep = String(repeating: "[", count: 33) + String(repeating: "]", count: 33)
        #expect(throws: JSONError.self) { try JSONValue(parsing: deep) }
        #expect(throws: Never.self) { try JSONValue(parsing: String(deep.dropFirst().dropLast())) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[1, 2]", limits: JSONLimits(bytes: 5)) }
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: #"{"a": 1, "b": 2}"#, limits: JSONLimits(members: 1))
        }
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test("Values by type")
    func accessors() {
        let value: JSONValue = ["n": 5, "d": 2.5, "w": 3.0, "s": "x", "b": true, "l": [1], "o": ["k": nil], "neg": -1]
        #expect(value["n"]?.int == 5 && value["n"]?.unsigned == 5 && value["n"]?.double == 5)
        #expect(value["d"]?.int == nil && value["d"]?.double == 2.5 && value["w"]?.int == 3)
        #expect(value["s"]?.string == "x" && value["s"]?.int == nil && value["b"]?.bool == true)
        #expect(value["l"]?.array == [1] && value["o"]?["k"] == .null && value["neg"]?.unsigned == nil)
        #expect(JSONValue(UInt64.max).unsigned == .max && JSONValue(UInt64(7)) == .int(7))
    }
}
