import Glibc

/// Where and how the figures came about, as Markdown lines.
func machineDescription(runs: Int) -> String {
    var kernel = utsname()
    uname(&kernel)
    let release = withUnsafeBytes(of: kernel.release) { field($0) }
    let architecture = withUnsafeBytes(of: kernel.machine) { field($0) }
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    let commit = try? output(of: ["git", "rev-parse", "--short", "HEAD"], seconds: 5)
    let changed = (try? output(of: ["git", "status", "--porcelain", "--untracked-files=no"], seconds: 5)) ?? ""
    let version = commit.map { String($0.prefix { !$0.isNewline }) + (changed.isEmpty ? "" : " with changes") }
    return """
        - Machine: \(cpuModel() ?? "unknown CPU"), \(cores) cores, \(architecture), Linux \(release)
        - Commit: \(version ?? "unknown")
        - Build: \(buildKind)
        - Method: medians of \(runs) runs; the hosts take turns, each run has a new simulated printer (C, own \
        process, pseudo-terminal) and a new process for the host. Lines per second are the printer's, from the \
        first to the last move. The printer has the last core for itself, the host the others. CPU time is user and system of the host's process around the whole stream; what \
        the kernel does for pseudo-terminals in its own threads is in nobody's figure. Peak memory is VmHWM.
        - \(cores) cores for host, printer and everything else: compare ratios of one table, not figures of two.
        """
}

#if DEBUG
    private let buildKind = "debug: these figures say nothing, use `swift run -c release gantry-bench`"
#else
    private let buildKind = "release"
#endif

/// "model name" on x86, "Model" of the board on ARM.
private func cpuModel() -> String? {
    guard let text = try? output(of: ["cat", "/proc/cpuinfo"], seconds: 5) else { return nil }
    for key in ["model name", "Model", "Hardware"] {
        for line in text.split(separator: "\n") where line.hasPrefix(key) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
    }
    return nil
}

private func field(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}
