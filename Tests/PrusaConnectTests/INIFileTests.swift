import Foundation
import Testing

@testable import PrusaConnect

@Suite struct INIFileTests {
    static let sample = """
        # comment
        [printer]
        type = MK3S
        name: Workshop ; left # 50%
        \tempty =

        ; another
        [service::connect]
        HostName = connect.prusa3d.com
        token=abc==

        """

    @Test("Sections, keys, values and lines")
    func reads() throws {
        let file = try INIFile(text: Self.sample, path: "x.ini")
        #expect(file.sections == ["printer", "service::connect"])
        #expect(file.keys(in: "printer") == ["type", "name", "empty"])
        #expect(file.value(of: "type", in: "printer") == "MK3S")
        #expect(file.value(of: "name", in: "printer") == "Workshop ; left # 50%")
        #expect(file.value(of: "empty", in: "printer") == "")
        #expect(file.value(of: "hostname", in: "service::connect") == "connect.prusa3d.com")
        #expect(file.value(of: "token", in: "service::connect") == "abc==")
        #expect(file.value(of: "token", in: "printer") == nil)
        #expect(file.line(of: "token", in: "service::connect") == 10)
        #expect(file.line(ofSection: "service::connect") == 8)
        #expect(file.text == Self.sample)
    }

    @Test("Setting one key leaves every other byte alone")
    func setsOneKey() throws {
        var file = try INIFile(text: Self.sample, path: "x.ini")
        try file.set("token", in: "service::connect", to: "x%y;z")
        try file.set("type", in: "printer", to: "MK4")
        let expected = Self.sample.replacingOccurrences(of: "token=abc==", with: "token=x%y;z")
            .replacingOccurrences(of: "type = MK3S", with: "type = MK4")
        #expect(file.text == expected)
        #expect(try INIFile(text: file.text, path: "x.ini").value(of: "token", in: "service::connect") == "x%y;z")
    }

    @Test("New keys come after the last key of their section, new sections at the end")
    func addsKeys() throws {
        var file = try INIFile(text: "[a]\r\nx = 1\r\n\r\n[b]\r\ny = 2", path: "x.ini")
        try file.set("z", in: "a", to: "3")
        try file.set("w", in: "b", to: "")
        try file.set("token", in: "service::connect", to: "t")
        #expect(
            file.text
                == "[a]\r\nx = 1\r\nz = 3\r\n\r\n[b]\r\ny = 2\r\nw = \r\n\r\n[service::connect]\r\ntoken = t\r\n")
        file.remove("X", in: "a")
        #expect(file.value(of: "x", in: "a") == nil)
        var empty = try INIFile(text: "", path: "x.ini")
        try empty.set("k", in: "s", to: "v")
        #expect(empty.text == "[s]\nk = v\n")
    }

    @Test(
        "A section that is removed takes its keys, the comments between them and the lines behind it along",
        arguments: [
            // In the middle, at the end, at the start.
            ("; top\n[a]\nk = 1\n\n[x]\n; mine\nk = 2\n\n; of b\n[b]\n", "; top\n[a]\nk = 1\n\n; of b\n[b]\n"),
            ("[a]\r\nk = 1\r\n\r\n[x]\r\nk = 2\r\n\r\n", "[a]\r\nk = 1\r\n"),
            ("[x]\nk = 2\n; of a\n[a]\nk = 1\n", "; of a\n[a]\nk = 1\n"),
            // Without a key, without a newline, alone, not there.
            ("[a]\nk = 1\n[x]\n", "[a]\nk = 1\n"), ("[a]\nk = 1\n[x]\nk = 2", "[a]\nk = 1\n"), ("[x]\n", ""),
            ("[a]\nx = 1\n\n", "[a]\nx = 1\n\n"), ("[a]\nk = 1\n\n[x]\nk = 2\n; end", "[a]\nk = 1\n\n; end"),
        ])
    func removesSections(_ text: String, _ rest: String) throws {
        var file = try INIFile(text: text, path: "f.ini")
        file.remove(section: "x")
        #expect(file.text == rest)
        // One that was set is gone without a trace, apart from empty lines at the end.
        try file.set("k", in: "x", to: "v")
        file.remove(section: "x")
        func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
        #expect(trimmed(file.text) == trimmed(rest))
    }

    @Test(
        "Errors name file, line and what was expected",
        arguments: [
            ("a = 1\n", "f.ini:1: a stands before the first [section]"),
            ("[s]\nnonsense\n", "f.ini:2: expected \"key = value\", \"[section]\" or a comment"),
            ("[s\n", "f.ini:1: expected a heading such as [section]"),
            ("[]\n", "f.ini:1: expected a heading such as [section]"),
            ("[s]\n = 1\n", "f.ini:2: expected \"key = value\", \"[section]\" or a comment"),
            ("[s]\na = 1\n\nA: 2\n", "f.ini:4: A comes a second time in [s], first in line 2"),
            ("[s]\n[t]\n[s]\n", "f.ini:3: [s] comes a second time, first in line 1"),
        ])
    func errors(_ text: String, _ message: String) {
        let error = #expect(throws: INIError.self) { try INIFile(text: text, path: "f.ini") }
        #expect(error?.description == message)
    }

    @Test("What cannot be one line is refused")
    func unwritable() throws {
        var file = try INIFile(text: "[s]\n", path: "f.ini")
        for (key, value) in [("k", "a\nb"), ("k", " a"), ("a=b", "c"), ("#k", "v"), ("", "v"), ("[k", "v")] {
            #expect(throws: INIError.self) { try file.set(key, in: "s", to: value) }
        }
        #expect(throws: INIError.self) { try file.set("k", in: "a\nb", to: "v") }
        #expect(file.text == "[s]\n")
    }

    @Test("Typed values")
    func typed() throws {
        let file = try INIFile(text: "[s]\na = Yes\nb = off\nc = maybe\nn = 70000\ne =\n", path: "f.ini")
        #expect(try file.bool("a", in: "s") == true)
        #expect(try file.bool("b", in: "s") == false)
        #expect(try file.bool("e", in: "s") == nil)
        let bool = #expect(throws: INIError.self) { try file.bool("c", in: "s") }
        #expect(bool?.description == "f.ini:4: c in [s]: expected true or false")
        #expect(try file.integer("n", in: "s", range: 0...100_000) == 70000)
        let number = #expect(throws: INIError.self) { try file.integer("n", in: "s", range: 0...65535) }
        #expect(number?.description == "f.ini:5: n in [s]: expected a whole number from 0 to 65535")
    }

    @Test("Writing is atomic, private, and follows links")
    func writes() throws {
        let directory = try TemporaryDirectory()
        let real = directory.file("real.ini")
        let link = directory.file("link.ini")
        try Self.sample.write(toFile: real, atomically: false, encoding: .utf8)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real.ini")
        var file = try INIFile(path: link)
        try file.set("token", in: "service::connect", to: "new")
        try file.write()
        #expect(try String(contentsOfFile: real, encoding: .utf8) == file.text)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "real.ini")
        let mode = try FileManager.default.attributesOfItem(atPath: real)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() == ["link.ini", "real.ini"])
    }

    @Test("Missing files and directories are errors with a path")
    func missing() throws {
        let directory = try TemporaryDirectory()
        let read = #expect(throws: INIError.self) { try INIFile(path: directory.file("no.ini")) }
        #expect(read?.description == directory.file("no.ini") + ": cannot open: No such file or directory")
        let file = try INIFile(text: "[s]\n", path: directory.file("no/such/x.ini"))
        #expect(throws: FileError.self) { try file.write() }
    }
}

@Suite struct ConnectSettingsTests {
    private func settings(_ body: String) throws -> ConnectSettings {
        try ConnectSettings(INIFile(text: "[service::connect]\n" + body, path: "p.ini"))
    }

    @Test("Defaults: Prusa's server, TLS, no token")
    func defaults() throws {
        for text in ["", "[printer]\ntype = MK3\n", "[service::connect]\nhostname =\ntls =\nport = 0\ntoken =\n"] {
            let settings = try ConnectSettings(INIFile(text: text, path: "p.ini"))
            #expect(settings == ConnectSettings(server: .prusa, token: nil))
            #expect(settings.server.baseURL == "https://connect.prusa3d.com")
        }
    }

    @Test(
        "Server URLs",
        arguments: [
            ("hostname = a.example\ntls = False\nport = 8080", "http://a.example:8080"),
            ("hostname = a.example\nport = 443", "https://a.example:443"),
            ("hostname = ::1\nport = 80", "https://[::1]:80"), ("hostname = [fe80::1]", "https://[fe80::1]"),
            ("hostname = 127.0.0.1\ntls = 0", "http://127.0.0.1"),
        ])
    func urls(_ body: String, _ url: String) throws {
        #expect(try settings(body).server.baseURL == url)
    }

    @Test(
        "Wrong values name line and expectation, never the value",
        arguments: [
            (
                "hostname = https://a.example\n",
                "p.ini:2: hostname in [service::connect]: expected a host name such as connect.prusa3d.com, without https:// and path"
            ),
            ("token = to ken\n", "p.ini:2: token in [service::connect]: expected 1 to 255 visible ASCII characters"),
            ("tls = x\n", "p.ini:2: tls in [service::connect]: expected true or false"),
            ("port = 65536\n", "p.ini:2: port in [service::connect]: expected a whole number from 0 to 65535"),
        ])
    func errors(_ body: String, _ message: String) {
        let error = #expect(throws: INIError.self) { try settings(body) }
        #expect(error?.description == message)
    }

    @Test("A token with % is a token, and storing keeps the rest of the file")
    func stores() throws {
        let text =
            "# mine\n[printer]\ntype = MK3S\n\n[service::connect]\nhostname = connect.prusa3d.com\ntls = True\nport = 0\ntoken = old%1\n\n[service::local]\nenable = 1\n"
        var file = try INIFile(text: text, path: "p.ini")
        var settings = try ConnectSettings(file)
        #expect(settings.token?.value == "old%1")
        settings.token = Token("new%2")
        try settings.store(in: &file)
        #expect(file.text == text.replacingOccurrences(of: "old%1", with: "new%2"))
    }

    @Test("An older file with [connect] is read, written back as [service::connect], and nothing of it is lost")
    func oldSection() throws {
        let text =
            "[connect]\naddress = a.example\nport = 8080\ntoken = old\nextra = 1\n\n[service::local]\npassword = hunter2key\n"
        var file = try INIFile(text: text, path: "p.ini")
        var settings = try ConnectSettings(file)
        // Without `tls` the token does not travel in clear.
        #expect(settings.server.baseURL == "https://a.example:8080" && settings.token?.value == "old")
        settings.token = Token("new")
        try settings.store(in: &file)
        let stored = "\n[service::connect]\nhostname = a.example\ntls = True\nport = 8080\ntoken = new\n"
        #expect(file.text == text + stored)
        #expect(try ConnectSettings(file) == settings)
        #expect(throws: INIError.self) { try ConnectSettings(INIFile(text: "[connect]\naddress = a b\n", path: "p")) }
    }

    @Test("What the file says about the host's own web interface, in new and old spelling")
    func localService() throws {
        var info = PrinterInfo()
        (info.network.username, info.network.digest) = ("maker", "old")
        info.take(
            from: try INIFile(
                text: "[network]\nhostname = left\n[service::local]\npassword = p\ndigest = d\nusername =\n", path: "p")
        )
        #expect(info.apiKey == "p" && info.network.hostname == "left")
        #expect(info.network.digest == "d" && info.network.username == "maker")
        info.take(from: try INIFile(text: "[service::local]\npassword = p\napi_key = k\n", path: "p"))
        #expect(info.apiKey == "k")
        info.take(from: try INIFile(text: "", path: "p"))
        #expect(info.apiKey == "k")
    }
}
