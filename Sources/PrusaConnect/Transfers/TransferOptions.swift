/// Limits of downloads. The defaults suit a small board.
public struct TransferOptions: Sendable, Hashable {
    /// Longest file in bytes; 4 GiB is what a FAT file system holds.
    public var largestFile: UInt64 = 0xFFFF_FFFF
    /// Bytes that a download leaves free on the storage.
    public var spareSpace: UInt64 = 4 << 20
    /// A connection that brings less than 1 KiB in this time is given up and made anew.
    public var silence: Duration = .seconds(10)
    /// Failures in a row without a further byte of the file that end a download: some two minutes with the default. Before the first byte three are
    /// enough: a wrong address shall not hold the slot for minutes.
    public var attempts = 12

    /// The defaults.
    public init() {}
}
