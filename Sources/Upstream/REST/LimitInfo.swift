/// The header `Sforce-Limit-Info`: `api-usage=18/15000; per-app-api-usage=17/250(appName=Millrace)`. What cannot be read is
/// left out, as is what other parts there may be (`api-bursts=1/750`).
public struct LimitInfo: Sendable, Hashable {
    /// Calls of everybody in 24 hours, and how many the org allows.
    public var orgUsed: Int?
    public var orgMax: Int?
    /// The same of the connected app, where the org keeps an allowance for it.
    public var applicationUsed: Int?
    public var applicationMax: Int?

    public init(orgUsed: Int? = nil, orgMax: Int? = nil, applicationUsed: Int? = nil, applicationMax: Int? = nil) {
        self.orgUsed = orgUsed
        self.orgMax = orgMax
        self.applicationUsed = applicationUsed
        self.applicationMax = applicationMax
    }

    public init(header: String) {
        self.init()
        // Clients have seen both separators.
        for part in header.split(whereSeparator: { $0 == ";" || $0 == "," }) {
            guard let equals = part.firstIndex(of: "=") else { continue }
            let name = part[..<equals].filter { $0 != " " }.lowercased()
            guard let (used, max) = Self.pair(part[part.index(after: equals)...]) else { continue }
            switch name {
            case "api-usage": (orgUsed, orgMax) = (used, max)
            case "per-app-api-usage": (applicationUsed, applicationMax) = (used, max)
            default: continue
            }
        }
    }

    /// `17/250(appName=…)`. An allowance of 0 is none that one could reckon with.
    private static func pair(_ text: Substring) -> (used: Int, max: Int)? {
        let numbers = text.prefix { $0 != "(" }.split(separator: "/", omittingEmptySubsequences: false)
        guard numbers.count == 2, let used = number(numbers[0]), let max = number(numbers[1]), max > 0 else {
            return nil
        }
        return (used, max)
    }

    /// Bounded, so that sums of them cannot overflow.
    private static func number(_ text: Substring) -> Int? {
        let digits = text.filter { $0 != " " }
        guard !digits.isEmpty, digits.utf8.count <= 12, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(digits)
    }
}
