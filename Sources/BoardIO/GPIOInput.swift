import CGpiod
import Glibc

/// A line held as input; released when the value goes. It may move to another thread, but not be used by two at once.
public struct GPIOInput: ~Copyable {
    /// How to hold the line.
    public struct Settings: Equatable, Sendable {
        /// Pull resistor; `.unknown` is refused with EINVAL.
        public var bias: GPIOBias
        /// Edges to report.
        public var edges: GPIOEdges
        /// True when a low voltage counts as active.
        public var isActiveLow: Bool
        /// Ignore changes that last less; 0 for none. Needs `GPIOChip.canDebounce`.
        public var debounceMicroseconds: UInt32

        /// A line as it is, without edges, active high, without debounce, unless told otherwise.
        public init(
            bias: GPIOBias = .asIs, edges: GPIOEdges = .none, isActiveLow: Bool = false,
            debounceMicroseconds: UInt32 = 0
        ) {
            self.bias = bias
            self.edges = edges
            self.isActiveLow = isActiveLow
            self.debounceMicroseconds = debounceMicroseconds
        }
    }

    private let request: OpaquePointer
    /// Path of the chip's device.
    public let chip: String
    /// Offset on the chip.
    public let offset: UInt32

    init(request: OpaquePointer, chip: String, offset: UInt32) {
        self.request = request
        self.chip = chip
        self.offset = offset
    }

    deinit {
        cgpiod_release(request)
    }

    /// True when the line is active now.
    public func isActive() throws(GPIOError) -> Bool {
        let value = cgpiod_get(request)
        guard value >= 0 else { throw error(.readValue, value) }
        return value == 1
    }

    /// The descriptor that polls readable while an edge waits. It belongs to this value: do not close it.
    public func fileDescriptor() throws(GPIOError) -> Int32 {
        let descriptor = cgpiod_fd(request)
        guard descriptor >= 0 else { throw error(.readEdge, descriptor) }
        return descriptor
    }

    /// Waits for an edge. False when the time passed or a signal came first.
    ///
    /// - Parameter nanoseconds: how long at most; negative waits for ever.
    public func waitForEdge(nanoseconds: Int64) throws(GPIOError) -> Bool {
        let status = cgpiod_wait_edge(request, nanoseconds)
        guard status >= 0 else { throw error(.readEdge, status) }
        return status > 0
    }

    /// Takes the oldest waiting edge, nil when none waits. Never blocks.
    public func nextEdge() throws(GPIOError) -> GPIOEdge? {
        var raw = cgpiod_edge()
        let status = cgpiod_read_edge(request, &raw)
        guard status >= 0 else { throw error(.readEdge, status) }
        guard status > 0 else { return nil }
        return GPIOEdge(timestampNanoseconds: raw.timestamp_ns, isRising: raw.edge == Int32(CGPIOD_EDGE_RISING))
    }

    private func error(_ operation: GPIOError.Operation, _ status: Int32) -> GPIOError {
        GPIOError(operation, chip: chip, line: offset, code: -status)
    }
}
