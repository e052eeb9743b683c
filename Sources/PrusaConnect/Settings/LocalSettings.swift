// What `prusa_printer_settings.ini` says about the host.

extension PrinterInfo {
    /// Takes what a settings file says about the host's own web interface: `api_key` (`password` in older files),
    /// `username` and `digest` of `[service::local]`, and `hostname` of `[network]`. What it does not say stays.
    public mutating func take(from file: INIFile) {
        func text(_ key: String, _ section: String) -> String? {
            file.value(of: key, in: section).flatMap { $0.isEmpty ? nil : $0 }
        }
        let local = "service::local"
        apiKey = text("api_key", local) ?? text("password", local) ?? apiKey
        network.username = text("username", local) ?? network.username
        network.digest = text("digest", local) ?? network.digest
        network.hostname = text("hostname", "network") ?? network.hostname
    }
}
