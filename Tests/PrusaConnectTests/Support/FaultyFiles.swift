import Glibc

@testable import PrusaConnect

/// Real files on a disk that can be full, read-only or broken.
struct FaultyFiles: StateFiles {
    struct Faults: Sendable {
        /// What each call fails with.
        var open: Int32?
        var write: Int32?
        var read: Int32?
        var truncate: Int32?
        var sync: Int32?
        var rename: Int32?
        /// Bytes that can still be written: a write beyond leaves a piece and fails with ENOSPC.
        var room: Int?
        var syncs = 0
        var writes = 0
    }

    let faults = Shared(Faults())
    private let real = SystemFiles()

    private func fail(_ fault: KeyPath<Faults, Int32?>) throws(OSError) {
        if let code = faults.value[keyPath: fault] { throw OSError(code: code) }
    }

    func makeDirectory(_ path: String) throws(OSError) {
        try fail(\.open)
        try real.makeDirectory(path)
    }

    func open(_ path: String, isEmptied: Bool) throws(OSError) -> Int32 {
        try fail(\.open)
        return try real.open(path, isEmptied: isEmptied)
    }

    func duplicate(_ file: Int32) throws(OSError) -> Int32 { try real.duplicate(file) }
    func close(_ file: Int32) { real.close(file) }
    func lock(_ file: Int32) throws(OSError) -> Bool { try real.lock(file) }
    func size(_ file: Int32) throws(OSError) -> UInt64 { try real.size(file) }

    func read(_ file: Int32, at offset: UInt64, count: Int) throws(OSError) -> [UInt8] {
        try fail(\.read)
        return try real.read(file, at: offset, count: count)
    }

    func write(_ file: Int32, _ bytes: [UInt8], at offset: UInt64) throws(OSError) {
        faults.change { $0.writes += 1 }
        try fail(\.write)
        guard let room = faults.value.room else { return try real.write(file, bytes, at: offset) }
        let fitting = min(room, bytes.count)
        try real.write(file, Array(bytes[..<fitting]), at: offset)
        faults.change { $0.room = room - fitting }
        if fitting < bytes.count { throw OSError(code: ENOSPC) }
    }

    func truncate(_ file: Int32, to size: UInt64) throws(OSError) {
        try fail(\.truncate)
        try real.truncate(file, to: size)
    }

    func sync(_ file: Int32) throws(OSError) {
        faults.change { $0.syncs += 1 }
        try fail(\.sync)
        try real.sync(file)
    }

    func rename(_ old: String, to new: String) throws(OSError) {
        try fail(\.rename)
        try real.rename(old, to: new)
    }

    func remove(_ path: String) { real.remove(path) }
}
