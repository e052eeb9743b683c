/// Facts about the printer that the server asks for with `SEND_INFO`. Unknown facts are `nil` and are not sent.
public struct PrinterInfo: Sendable, Hashable {
    /// Version of the printer's firmware, for example `3.14.0-8237`.
    public var firmware: String?
    /// Version of the software that speaks to Connect, for the header `User-Agent-Version`.
    public var softwareVersion: String?
    /// Addresses and names of the host.
    public var network = NetworkInfo()
    /// Key of the host's own web interface. It travels in INFO only and never in a log.
    public var apiKey: String?
    /// Heights of the bed mesh in mm, row by row.
    public var meshHeights: [Double]?
    /// The steel sheets that the printer knows, in the printer's order.
    public var sheets: [Sheet]?
    /// Index of the sheet in use in ``sheets``.
    public var activeSheet: Int?
    /// The multi-material unit; `nil` when the printer cannot have one.
    public var mmu: MMU? = MMU(isEnabled: false)
    /// Diameter of the nozzle in mm.
    public var nozzleDiameter: Double?
    /// Further facts by their names on the wire; they follow the others and win over them.
    public var extra = JSONObject()

    /// Facts that are all unknown.
    public init() {}

    /// A steel sheet.
    public struct Sheet: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Its Z offset in mm.
        public var zOffset: Double

        /// A sheet by name and Z offset in mm.
        public init(name: String, zOffset: Double) { (self.name, self.zOffset) = (name, zOffset) }
    }

    /// The multi-material unit.
    public struct MMU: Sendable, Hashable {
        /// Whether it is in use.
        public var isEnabled: Bool
        /// Version of its firmware.
        public var version: String?
        /// Number of its slots, 5 for the MMU3; sent while the unit is enabled.
        public var slots: Int?

        /// A unit.
        public init(isEnabled: Bool, version: String? = nil, slots: Int? = nil) {
            (self.isEnabled, self.version, self.slots) = (isEnabled, version, slots)
        }
    }

    /// Addresses and names of the host.
    public struct NetworkInfo: Sendable, Hashable {
        /// MAC address of the wired interface.
        public var lanMAC: String?
        /// IPv4 address of the wired interface.
        public var lanIPv4: String?
        /// IPv6 address of the wired interface.
        public var lanIPv6: String?
        /// MAC address of the wireless interface.
        public var wifiMAC: String?
        /// IPv4 address of the wireless interface.
        public var wifiIPv4: String?
        /// IPv6 address of the wireless interface.
        public var wifiIPv6: String?
        /// Name of the wireless network.
        public var wifiSSID: String?
        /// Name of the host.
        public var hostname: String?
        /// User name of the host's web interface.
        public var username: String?
        /// Digest of the host's web interface.
        public var digest: String?

        /// Nothing known.
        public init() {}

        var fields: JSONObject {
            var fields = JSONObject()
            fields.set("lan_mac", lanMAC)
            fields.set("lan_ipv4", lanIPv4)
            fields.set("lan_ipv6", lanIPv6)
            fields.set("wifi_mac", wifiMAC)
            fields.set("wifi_ipv4", wifiIPv4)
            fields.set("wifi_ipv6", wifiIPv6)
            fields.set("wifi_ssid", wifiSSID)
            fields.set("hostname", hostname)
            fields.set("username", username)
            fields.set("digest", digest)
            return fields
        }
    }
}

extension PrinterInfo {
    /// The `data` of a complete INFO event, in the order of the Python SDK 0.8.1.
    func fields(of identity: PrinterIdentity, files: JSONValue) -> JSONObject {
        var fields = JSONObject()
        fields.set("type", identity.type.type)
        fields.set("version", identity.type.version)
        fields.set("subversion", identity.type.subversion)
        fields.set("firmware", firmware)
        fields.set("sdk", Wire.sdkVersion)
        fields.set("network_info", network.fields)
        fields.set("api_key", apiKey)
        fields["files"] = files
        fields.set("sn", identity.serialNumber)
        fields.set("fingerprint", identity.fingerprint.description)
        fields["mbl"] = meshHeights.map { .array($0.map(JSONValue.double)) }
        fields["sheet_settings"] = sheets.map(Self.value)
        fields.set("active_sheet", activeSheet)
        if let mmu { fields.merge(mmu.infoFields) }
        fields.set("nozzle_diameter", nozzleDiameter)
        fields.merge(extra)
        return fields
    }
}

extension PrinterInfo {
    /// The sheets as INFO lists them.
    static func value(of sheets: [Sheet]) -> JSONValue {
        .array(sheets.map { ["name": .string($0.name), "z_offset": .double($0.zOffset)] })
    }
}

extension PrinterInfo.MMU {
    /// What INFO tells about the unit: `mmu`, and `slots` while it is in use.
    var infoFields: JSONObject {
        var unit = JSONObject()
        unit.set("enabled", isEnabled)
        unit.set("version", version)
        var fields: JSONObject = ["mmu": .object(unit)]
        if isEnabled { fields.set("slots", slots) }
        return fields
    }
}

/// What never changes about a printer.
struct PrinterIdentity: Sendable, Hashable {
    let type: PrinterType
    let serialNumber: String
    let fingerprint: Fingerprint
}
