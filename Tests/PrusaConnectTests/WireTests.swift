import Testing

@testable import PrusaConnect

@Suite struct WireTests {
    @Test("Headers: set and order of the Python package")
    func headers() throws {
        let common = CommonHeaders(
            fingerprint: Fingerprint(serialNumber: testSerial), printerType: .mk3s, version: "3.14.0-8066")
        let headers = common.make(
            server: .prusa, timestamp: Timestamp(tenths: 17_193_123_451), token: Token("t"), isClockAdjusted: true,
            code: "C0DE", body: Array("{}".utf8))
        #expect(
            headers.map { "\($0.name): \($0.value)" } == [
                "Host: connect.prusa3d.com", "User-Agent: Prusa-Connect-SDK-Printer/0.8.1", "Accept-Encoding: identity",
                "Accept: */*", "Connection: keep-alive",
                "Fingerprint: 3a600e5a657a4332715ecd99e95419ad5f33608f1ae7f01e930659fb4bc00730",
                "Timestamp: 1719312345.1", "User-Agent-Printer: 1.3.1", "User-Agent-Version: 3.14.0-8066", "Token: t",
                "Clock-Adjusted: 1", "Code: C0DE", "Content-Length: 2", "Content-Type: application/json",
            ])
    }

    @Test("No version can end a header line; without one the library's own is sent")
    func versions() {
        for (version, sent) in [("1.0\r\nToken: x", "1.0Token: x"), ("", "0.8.1"), (nil, "0.8.1"), ("é", "0.8.1")] {
            let common = CommonHeaders(
                fingerprint: Fingerprint(serialNumber: "x"), printerType: .mk3, version: version)
            let headers = common.make(
                server: .prusa, timestamp: Timestamp(tenths: 0), token: nil, isClockAdjusted: false, body: nil)
            #expect(headers.first { $0.name == "User-Agent-Version" }?.value == sent)
            #expect(!headers.contains { $0.name == "Token" || $0.name == "Content-Length" })
        }
    }

    @Test(
        "Timestamps have one decimal, cut off",
        arguments: [
            (1_719_312_345_030, "1719312345.0"), (1_719_312_345_170, "1719312345.1"),
            (1_719_312_345_390, "1719312345.3"), (1_719_312_345_999, "1719312345.9"), (0, "0.0"),
        ])
    func timestamps(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(sinceEpoch: .milliseconds(milliseconds)).description == text)
    }

    @Test("A clock jump of a second is reported until a request that told it was taken")
    func clock() {
        var watch = ClockWatch(wall: .seconds(5000), monotonic: .seconds(10))
        watch.check(wall: .milliseconds(5_010_900), monotonic: .seconds(20))
        #expect(!watch.isAdjusted)
        watch.check(wall: .seconds(5011), monotonic: .seconds(20))
        #expect(watch.isAdjusted)
        watch.check(wall: .seconds(5012), monotonic: .seconds(21))
        #expect(watch.isAdjusted)
        watch.reported()
        watch.check(wall: .seconds(5013), monotonic: .seconds(22))
        #expect(!watch.isAdjusted)
        watch.check(wall: .seconds(13), monotonic: .seconds(22))
        #expect(watch.isAdjusted)
    }

    @Test(
        "Retry-After in seconds and as a date",
        arguments: [
            ("0", 0), (" 120 ", 120), ("Sun, 06 Nov 1994 08:49:37 GMT", 97), ("Sun, 06 Nov 1994 08:40:00 GMT", 0),
            ("Thu, 29 Feb 2024 00:00:00 GMT", 925_053_120), ("soon", nil), ("", nil), ("-5", nil), ("1.5", nil),
            ("Sun, 06 Nov 1994 08:49:37 CET", nil), ("Sun, 99 Nov 1994 08:49:37 GMT", nil),
        ] as [(String, Int64?)])
    func retryAfter(_ text: String, _ seconds: Int64?) {
        // 1994-11-06 08:48:00 UTC
        #expect(parseRetryAfter(text, now: .seconds(784_111_680)) == seconds.map { .seconds($0) })
    }

    @Test(
        "Media types",
        arguments: [
            ("application/json", "application/json", nil),
            ("Application/JSON ; Charset=\"UTF-8\"", "application/json", "utf-8"),
            ("text/x.gcode; charset=utf-8", "text/x.gcode", "utf-8"), ("application/jsonp", "application/jsonp", nil),
            ("json", nil, nil), ("", nil, nil), ("a/b/c", nil, nil), ("/json", nil, nil),
        ] as [(String, String?, String?)])
    func mediaTypes(_ text: String, _ essence: String?, _ charset: String?) {
        #expect(MediaType(text)?.essence == essence)
        #expect(MediaType(text)?.charset == charset)
    }

    @Test(
        "Printer types by name and number",
        arguments: [
            ("MK3S", "1.3.1"), ("I3MK3S", "1.3.1"), ("mk2.5s", "1.2.6"), ("I3MK25", "1.2.5"), ("MK3", "1.3.0"),
            ("MK3.9S", "1.3.10"), ("MINI", "2.1.0"), ("XL", "3.1.0"), ("SL1S", "5.1.1"), ("HT90", "6.1.0"),
            ("CoreOne", "7.1.0"), ("9.8.7", "9.8.7"),
        ])
    func types(_ text: String, _ numbers: String) {
        #expect(PrinterType(text)?.description == numbers)
    }

    @Test("No printer types", arguments: ["", "1.3", "1.3.1.2", "1..1", "a.b.c", "1.3.-1", "MK9"])
    func noTypes(_ text: String) {
        #expect(PrinterType(text) == nil)
    }

    @Test("Every type's shown name means that type")
    func typeNames() {
        for (type, _) in PrinterType.named { #expect(PrinterType(type.name) == type) }
        #expect(PrinterType(9, 8, 7).name == "9.8.7")
    }

    @Test("Fingerprint of a serial number, as PrusaLink makes it")
    func fingerprint() {
        let fingerprint = Fingerprint(serialNumber: testSerial)
        #expect(fingerprint.description == "3a600e5a657a4332715ecd99e95419ad5f33608f1ae7f01e930659fb4bc00730")
        #expect(Fingerprint("short") == nil && Fingerprint("0123456789abcdef\n") == nil)
        #expect(Fingerprint("0123456789abcdef")?.description == "0123456789abcdef")
    }

    @Test("Hosts", arguments: ["", "a b", "a/b", "user@host", "host:80", "https://h", "h\r\nX: y", "[::1"])
    func noHosts(_ host: String) {
        #expect(ConnectServer(host: host) == nil)
    }
}
