import Glibc

/// Cameras that somebody else's program writes as a JPEG file, again and again. Setting `path`.
public struct ImageFileDriver: CameraDriver {
    /// `File`.
    public let name = "File"
    /// `path`.
    public let requiredSettings: Set<String>? = ["path"]

    /// A driver without settings of its own.
    public init() {}

    /// A camera whose pictures are the file of setting `path`, which may come later.
    public func open(_ configuration: CameraConfiguration) throws(CameraError) -> any Camera {
        guard let path = configuration.settings["path"], !path.isEmpty else {
            throw .setting("path", expected: "the path of a JPEG file")
        }
        return ImageFileCamera(path: path)
    }
}

private struct ImageFileCamera: Camera {
    let path: String
    let capabilities: Set<CameraCapability> = []
    let resolutions: [CameraResolution] = []

    func takePicture(_ configuration: CameraConfiguration) throws(CameraError) -> [UInt8] {
        // A pipe or a device must not hang this thread, nor a picture change size while it is read.
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { throw .system(FileError(operation: "open", path: path, code: errno)) }
        defer { close(file) }
        var info = stat()
        guard fstat(file, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw .setting("path", expected: "the path of a JPEG file")
        }
        guard info.st_size <= Picture.longest else { throw .tooLarge }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var count = 0
        while count < bytes.count {
            let piece = bytes.withUnsafeMutableBytes { buffer in
                read(file, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            }
            if piece < 0, errno == EINTR { continue }
            guard piece >= 0 else { throw .system(FileError(operation: "read", path: path, code: errno)) }
            guard piece > 0 else { break }
            count += piece
        }
        return Array(bytes.prefix(count))
    }
}
