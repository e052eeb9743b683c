import Glibc

/// Mounts file systems in folders of its own. Calls may take as long as the medium does.
struct Mounter: Sendable {
    /// The folder that the folders are made in.
    let base: String
    /// Never write to a stick.
    let isReadOnly: Bool

    /// Mounts a volume at `base`/`name`, read-only when it cannot be written to.
    func mount(_ volume: USBFileSystem, name: String) throws(StickError) -> (path: String, isReadOnly: Bool) {
        let path = base + "/" + name
        for folder in [base, path] where mkdir(folder, 0o755) != 0 && errno != EEXIST {
            throw StickError(.makeFolder, folder, code: errno)
        }
        if isReadOnly || !attempt(volume, path, isReadOnly: false) {
            // A medium with its write protection on says EROFS or EACCES; a dirty NTFS is only good for reading.
            guard attempt(volume, path, isReadOnly: true) else {
                let code = errno
                rmdir(path)
                throw StickError(.mount, volume.node, type: volume.type, code: code)
            }
            return (path, true)
        }
        return (path, false)
    }

    private func attempt(_ volume: USBFileSystem, _ path: String, isReadOnly: Bool) -> Bool {
        // Nothing on a stick may be run, be a device or lend rights.
        let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | (isReadOnly ? MS_RDONLY : 0)
        let driver = volume.type == "ntfs" ? "ntfs3" : volume.type
        for options in Self.options(volume.type) {
            let status = options.withCString { Glibc.mount(volume.node, path, driver, UInt(flags), $0) }
            if status == 0 { return true }
            // A kernel without the character set says EINVAL: names may look odd, but files can be printed.
            if errno != EINVAL { return false }
        }
        return false
    }

    /// Options to try, best first. FAT and its kin have no owners: all is ours, and others may read.
    private static func options(_ type: String) -> [String] {
        let owner = "uid=\(getuid()),gid=\(getgid()),fmask=0133,dmask=0022"
        return switch type {
        case "vfat": ["\(owner),utf8,flush", owner]
        case "exfat", "ntfs": ["\(owner),iocharset=utf8", owner]
        case "iso9660", "udf": [""]
        default: [""]
        }
    }

    /// Takes a mount away although its medium is gone or in use: it vanishes from the tree at once, and the kernel
    /// clears up when the last file is closed.
    func detach(_ path: String) {
        umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW))
        rmdir(path)
    }

    /// Writes out what waits and unmounts. When this returns the stick may be pulled.
    ///
    /// - Throws: EBUSY while a file is open on it.
    func eject(_ storage: Stick) throws(StickError) {
        guard umount2(storage.path, Int32(UMOUNT_NOFOLLOW)) == 0 else {
            throw StickError(.eject, storage.name, code: errno)
        }
        rmdir(storage.path)
    }
}
