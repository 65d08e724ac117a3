/// The versions of the REST API: which are served, which are retired, and what Salesforce calls them.
struct APIVersion: Hashable, Sendable {
    /// 67 for `67.0`.
    var number: Int

    static let oldest = 31
    static let newest = 67
    /// Those before it are served with a warning. Which they are changes from year to year; this is the sandbox's choice, so
    /// that clients can be tried with one.
    static let oldestWithoutWarning = 37
    /// The first version there ever was; those from here to `oldest` are retired (410).
    static let first = 20

    var text: String { "\(number).0" }
    var isRetired: Bool { number < Self.oldest }
    var isDeprecated: Bool { !isRetired && number < Self.oldestWithoutWarning }

    /// The value of the header `Warning` for versions that will be retired next.
    var warning: String {
        #"299 - "API version \#(text) is deprecated and will be retired. Use \#(Self.oldestWithoutWarning).0 or later.""#
    }

    /// `Summer '26`: three releases a year, of which 67.0 is the summer of 2026.
    var label: String {
        let releasesBack = Self.newest - number
        let year = 26 - releasesBack / 3
        let season = ["Summer", "Spring", "Winter"][releasesBack % 3]
        return "\(season) '\(year)"
    }

    /// Reads `v67.0`; nil for what has never been a version.
    init?(pathElement: String) {
        guard pathElement.hasPrefix("v"), pathElement.hasSuffix(".0"), pathElement.utf8.count == 5,
            let number = Int(pathElement.dropFirst().dropLast(2)), (Self.first...Self.newest).contains(number)
        else { return nil }
        self.number = number
    }

    private init(number: Int) {
        self.number = number
    }

    static let served = (oldest...newest).map(APIVersion.init(number:))
}
