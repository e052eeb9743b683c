/// A file of records that only grows at its end, and is replaced or cleared as a whole.
///
/// ```
/// file    8 bytes of signature, records
/// record  length of the content (4 bytes), CRC-32 of the content (4 bytes), content
/// ```
///
/// A record is written with one `write(2)` and belongs to the file only when it is there whole: what is left of one
/// that was cut short is cut off when the file is opened. A record whose content is damaged is skipped; behind
/// a damaged length nothing is found again.
///
/// The caller has the directory's lock, see ``StateDirectory``.
// @unchecked: used by one thread at a time, under the printer's lock.
final class RecordFile: @unchecked Sendable {
    /// Where a record is.
    struct Place: Sendable, Hashable {
        let offset: UInt64
        /// Length of its content.
        let length: UInt32

        var size: UInt64 { UInt64(RecordFile.headSize) + UInt64(length) }
    }

    private static let signature = Array("PCSTATE1".utf8)
    private static let headSize = 8

    let path: String
    /// Where the next record goes.
    private(set) var size: UInt64 = 0
    private let files: any StateFiles
    private var file: Int32

    /// Opens the file, or makes it, and calls `take` with each whole record. Returns how many bytes were no whole
    /// record and are gone or skipped.
    static func open(
        _ path: String, files: any StateFiles, take: (Place, [UInt8]) -> Void
    ) throws(FileError) -> (file: RecordFile, damagedBytes: UInt64) {
        let record: RecordFile
        do throws(OSError) {
            record = RecordFile(path: path, files: files, file: try files.open(path, isEmptied: false))
        } catch {
            throw error.at(path, "open")
        }
        return (record, try record.load(take))
    }

    private init(path: String, files: any StateFiles, file: Int32) {
        self.path = path
        self.files = files
        self.file = file
    }

    deinit { files.close(file) }

    /// Whether there are no records.
    var isEmpty: Bool { size <= UInt64(Self.signature.count) }

    /// Appends records, all or none.
    func append(_ contents: [[UInt8]]) throws(FileError) -> [Place] {
        var places: [Place] = []
        var bytes = size == 0 ? Self.signature : []
        for content in contents {
            places.append(Place(offset: size + UInt64(bytes.count), length: UInt32(content.count)))
            Self.append(content, to: &bytes)
        }
        do throws(OSError) {
            try files.write(file, bytes, at: size)
        } catch {
            // The next record would overwrite the piece of this one; this only makes the file as short as it can be.
            try? files.truncate(file, to: size)
            throw error.at(path, "write")
        }
        size += UInt64(bytes.count)
        return places
    }

    /// The content of a record, `nil` when it is damaged.
    func read(_ place: Place) throws(FileError) -> [UInt8]? {
        let bytes: [UInt8]
        do throws(OSError) {
            bytes = try files.read(file, at: place.offset, count: Int(place.size))
        } catch {
            throw error.at(path, "read")
        }
        var reader = RecordReader(bytes)
        guard reader.number(UInt32.self) == place.length, let checksum = reader.number(UInt32.self) else { return nil }
        let content = reader.all()
        return content.count == Int(place.length) && CRC32.of(content) == checksum ? content : nil
    }

    /// Removes all records. It works on a full disk, too.
    func clear() throws(FileError) {
        guard size > 0 else { return }
        do throws(OSError) {
            try files.truncate(file, to: 0)
        } catch {
            throw error.at(path, "clear")
        }
        size = 0
    }

    /// Puts a new file with `count` records in the place of this one; when it fails the old one stays. Without a sync
    /// of its own, because it may be called where nobody can wait: a file system that orders a rename behind the data
    /// (ext4, btrfs, f2fs as they are mounted by default) has the old or the new file after a loss of power.
    func replace(count: Int, content: (Int) throws(FileError) -> [UInt8]) throws(FileError) -> [Place] {
        let temporary = path + ".new"
        let new: RecordFile
        do throws(OSError) {
            new = RecordFile(path: temporary, files: files, file: try files.open(temporary, isEmptied: true))
        } catch {
            throw error.at(temporary, "open")
        }
        do throws(FileError) {
            let places = try new.append(count: count, content: content)
            do throws(OSError) {
                try files.rename(temporary, to: path)
            } catch {
                throw error.at(path, "replace")
            }
            swap(&file, &new.file)
            size = new.size
            return places
        } catch {
            // A full disk needs the room.
            files.remove(temporary)
            throw error
        }
    }

    /// Appends records in pieces of some 64 KiB.
    private func append(count: Int, content: (Int) throws(FileError) -> [UInt8]) throws(FileError) -> [Place] {
        var places: [Place] = []
        var batch: [[UInt8]] = []
        var batchBytes = 0
        for index in 0..<count {
            let one = try content(index)
            batch.append(one)
            batchBytes += one.count
            guard batchBytes >= 1 << 16 || index == count - 1 else { continue }
            places += try append(batch)
            (batch, batchBytes) = ([], 0)
        }
        return places
    }

    /// What brings the file to the medium, for another thread: it may take seconds on an SD card.
    func makeSync() throws(FileError) -> @Sendable () -> FileError? {
        let copy: Int32
        do throws(OSError) {
            copy = try files.duplicate(file)
        } catch {
            throw error.at(path, "sync")
        }
        return { [files, path] in
            defer { files.close(copy) }
            do throws(OSError) {
                try files.sync(copy)
                return nil
            } catch {
                return error.at(path, "sync")
            }
        }
    }

    private static func append(_ content: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(littleEndian: UInt32(content.count))
        bytes.append(littleEndian: CRC32.of(content))
        bytes.append(contentsOf: content)
    }

    private func load(_ take: (Place, [UInt8]) -> Void) throws(FileError) -> UInt64 {
        do throws(OSError) {
            let end = try files.size(file)
            guard end > 0 else { return 0 }
            var window = FileWindow(files: files, file: file, end: end)
            guard try window.bytes(at: 0, count: Self.signature.count) == Self.signature else {
                try files.truncate(file, to: 0)
                return end
            }
            var offset = UInt64(Self.signature.count)
            size = offset
            var damaged: UInt64 = 0
            while let head = try window.bytes(at: offset, count: Self.headSize) {
                var reader = RecordReader(head)
                let (length, checksum) = (reader.number(UInt32.self) ?? 0, reader.number(UInt32.self) ?? 0)
                let place = Place(offset: offset, length: length)
                // No record is empty: zeros are what a loss of power can leave at the end of a file.
                guard length > 0,
                    let content = try window.bytes(at: offset + UInt64(Self.headSize), count: Int(length))
                else { break }
                offset += place.size
                if CRC32.of(content) == checksum {
                    take(place, content)
                    damaged += place.offset - size
                    size = offset
                }
            }
            if size < end { try files.truncate(file, to: size) }
            return damaged + end - size
        } catch {
            throw error.at(path, "read")
        }
    }
}

/// Reads a file from its start to its end in pieces of 64 KiB.
private struct FileWindow {
    let files: any StateFiles
    let file: Int32
    let end: UInt64
    private var start: UInt64 = 0
    private var content: [UInt8] = []

    init(files: any StateFiles, file: Int32, end: UInt64) {
        self.files = files
        self.file = file
        self.end = end
    }

    /// `nil` when the file ends before.
    mutating func bytes(at offset: UInt64, count: Int) throws(OSError) -> [UInt8]? {
        guard offset <= end, UInt64(count) <= end - offset else { return nil }
        if offset < start || offset + UInt64(count) > start + UInt64(content.count) {
            content = try files.read(file, at: offset, count: max(count, 1 << 16))
            start = offset
        }
        let first = Int(offset - start)
        guard content.count - first >= count else { return nil }
        return Array(content[first..<first + count])
    }
}
