/// What the delivering thread remembers between notes.
struct NoteDelivery {
    var identity = FirmwareIdentity()
    var awaitsReady = false
    var prompts = HostPromptAssembly()

    /// A greeting begins: the printer will say anew who it is.
    mutating func begin() {
        identity = FirmwareIdentity()
        awaitsReady = false
        prompts.forget()
    }
}
