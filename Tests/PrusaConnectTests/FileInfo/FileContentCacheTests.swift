import Foundation
import Glibc
import Testing

@testable import PrusaConnect

@Suite struct FileContentCacheTests {
    private let folder: TemporaryDirectory
    private let cache: FileContentCache

    init() throws {
        folder = try TemporaryDirectory()
        cache = FileContentCache(stateDirectory: folder.file("state"))
    }

    private func version(_ path: String = "/local/box.gcode", _ change: (inout stat) -> Void = { _ in }) -> FileVersion
    {
        var status = stat()
        status.st_size = 952
        status.st_ino = 77
        status.st_mtim = timespec(tv_sec: 1_719_310_000, tv_nsec: 123)
        change(&status)
        return FileVersion(path: path, status)
    }

    private func entries() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: cache.folder).sorted()
    }

    @Test func whatIsStoredComesBackAfterARestart() throws {
        for name in ["prusaslicer.gcode", "cura.gcode", "bambustudio.gcode", "prusaslicer.bgcode"] {
            let content = try read(sample(name))
            let version = version("/local/Žluť/\(name)")
            #expect(cache.content(of: version) == nil)
            try cache.store(content, of: version)
            let later = FileContentCache(stateDirectory: folder.file("state"))
            #expect(later.content(of: version) == content)
        }
        try cache.store(FileContent(), of: version())
        #expect(cache.content(of: version()) == FileContent())
        var status = stat()
        #expect(stat(cache.folder, &status) == 0 && status.st_mode & 0o777 == 0o700)
    }

    @Test func anotherVersionIsAnotherFile() throws {
        try cache.store(FileContent(name: "PLA.gcode"), of: version())
        #expect(cache.content(of: version()) != nil)
        #expect(cache.content(of: version { $0.st_size = 953 }) == nil)
        #expect(cache.content(of: version { $0.st_ino = 78 }) == nil)
        #expect(cache.content(of: version { $0.st_mtim.tv_nsec = 124 }) == nil)
        #expect(cache.content(of: version { $0.st_mtim.tv_sec = 5 }) == nil)
        #expect(cache.content(of: version("/local/Box.gcode")) == nil)
        // It takes the place of the old one.
        try cache.store(FileContent(name: "ABS.gcode"), of: version { $0.st_size = 953 })
        #expect(try entries().count == 1)
        #expect(cache.content(of: version()) == nil)
    }

    @Test func damageIsNoEntry() throws {
        let content = try read(sample("cura.gcode"))
        try cache.store(content, of: version())
        let path = try cache.folder + "/" + #require(entries().first)
        let good = try Data(contentsOf: URL(fileURLWithPath: path))
        for count in stride(from: 0, to: good.count, by: 97) {
            try good.prefix(count).write(to: URL(fileURLWithPath: path))
            #expect(cache.content(of: version()) == nil)
        }
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededNumbers(seed: seed)
        for _ in 0..<100 {
            var bad = good
            bad[Int.random(in: 0..<bad.count, using: &generator)] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            try bad.write(to: URL(fileURLWithPath: path))
            #expect(cache.content(of: version()) == nil, "seed \(seed)")
        }
        try cache.store(content, of: version())
        #expect(cache.content(of: version()) == content)
    }

    @Test func theOldestGo() throws {
        var limits = FileContentCache.Limits()
        limits.entries = 8
        let small = FileContentCache(stateDirectory: folder.file("state"), limits: limits)
        func age(_ index: Int) throws {
            // All would have the same second.
            for name in try entries() {
                var status = stat()
                let path = small.folder + "/" + name
                guard stat(path, &status) == 0, status.st_mtim.tv_sec > 1_000_000 else { continue }
                let times = [timespec(tv_sec: index, tv_nsec: 0), timespec(tv_sec: index, tv_nsec: 0)]
                #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
            }
        }
        for index in 0..<30 {
            try small.store(FileContent(), of: version("/local/\(index).gcode"))
            #expect(try entries().count <= 8)
            try age(index)
        }
        #expect(small.content(of: version("/local/29.gcode")) != nil)
        #expect(small.content(of: version("/local/25.gcode")) != nil)
        #expect(small.content(of: version("/local/10.gcode")) == nil)
        limits.bytes = 2000
        let tiny = FileContentCache(stateDirectory: folder.file("state"), limits: limits)
        try tiny.store(FileContent(), of: version("/local/30.gcode"))
        let sizes = try entries().map {
            try FileManager.default.attributesOfItem(atPath: small.folder + "/" + $0)[.size] as? Int ?? 0
        }
        #expect(sizes.reduce(0, +) <= 2000)
        #expect(tiny.content(of: version("/local/30.gcode")) != nil)
    }

    @Test func aStateDirectoryThatCannotBeUsed() throws {
        try "file".write(toFile: folder.file("state"), atomically: true, encoding: .utf8)
        let error = #expect(throws: FileError.self) { try cache.store(FileContent(), of: version()) }
        #expect(error?.code == ENOTDIR)
        #expect(cache.content(of: version()) == nil)
    }
}
