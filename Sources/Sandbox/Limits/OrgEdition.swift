/// What kind of org it is: how much of everything it may use before it is refused.
public enum OrgEdition: String, Sendable, Hashable, CaseIterable {
    case developer
    case enterprise
    /// Performance Edition has the same numbers.
    case unlimited
    /// Unlimited Edition with the usage-based event add-on: deliveries and publishing are counted and billed instead of
    /// refused. For load tests.
    case unlimitedAddOn = "unlimited-add-on"

    public var allocations: EventAllocations {
        switch self {
        case .developer: .developer
        case .enterprise: .enterprise
        case .unlimited: .unlimited
        case .unlimitedAddOn: .addOn
        }
    }

    /// API calls in 24 hours. The larger editions have some for each licence beside these.
    public var apiCallsMax: Int { self == .developer ? 15_000 : 100_000 }

    /// Calls that run for more than 20 seconds, at one time.
    public var longCallsMax: Int { self == .developer ? 5 : 25 }
}

extension Sandbox.Configuration {
    /// Sets all that depends on the edition.
    public mutating func use(_ edition: OrgEdition) {
        allocations = edition.allocations
        apiCallsMax = edition.apiCallsMax
        longCallsMax = edition.longCallsMax
    }
}
