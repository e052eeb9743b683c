import MarlinLink

// The medium that a job's file is on: pulled in the midst of the print, and put back.
extension Machine {
    /// A stick is gone. A print from it is paused at once, whatever of its file is still in memory: it goes on behind
    /// the last command that the printer got.
    ///
    /// - Parameter folder: where the stick was mounted.
    func mediumIsGone(_ folder: String) {
        guard isPrinting(from: folder), let path = job?.path else { return }
        loseFile("The stick with \(path) was pulled. Put it back, then resume; or stop the print.")
    }

    /// A stick can be read. When it holds the file that a paused print misses, that goes on from it. The file is checked as
    /// before a print, on a thread of its own.
    func mediumIsBack(_ folder: String) {
        guard core.withLock({ $0.lostFile }) != nil, isPrinting(from: folder) else { return }
        _ = startThread { [self] in
            do throws(MachineError) {
                try findFile()
            } catch {
                core.withLock { core in
                    if core.lostFile != nil { core.lostFile = "\(error)" }
                }
            }
            noteAttention(waitsForUser: snapshot.readings.waitsForUser)
        }
    }

    /// Opens the file anew where it was lost, and hands it to the link. Nothing happens where it was not.
    func findFile() throws(MachineError) {
        guard core.withLock({ $0.lostFile }) != nil, let job else { return }
        let file: JobFile
        do { file = try JobFile(path: job.file.path) } catch { throw .file(error) }
        try require(
            file.size == job.file.size && file.modified == job.file.modified && file.commands == job.file.commands,
            "\(job.path) is another file now. Put the stick back that the print was begun from, or stop the print.")
        do { try openLink().continueJob(with: file) } catch { throw .link(.noJob) }
        core.withLock { core in
            guard core.job?.id == job.id else { return }
            core.job?.file = file
            core.lostFile = nil
        }
    }

    /// Pauses for want of a file.
    func loseFile(_ reason: String) {
        core.withLock { $0.lostFile = reason }
        // Refused when it is paused already, or makes its last moves: those it has.
        do throws(MachineError) { try pause() } catch {
            if state != .paused { core.withLock { $0.lostFile = nil } }
        }
        noteAttention(waitsForUser: snapshot.readings.waitsForUser)
    }

    private func isPrinting(from folder: String) -> Bool {
        guard state.hasJob, let job else { return false }
        return job.file.path.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/")
    }
}
