import Foundation

extension Sandbox {
    /// How the org behaves. Everything has a default that suits a laptop.
    public struct Configuration: Sendable {
        /// Objects that a new org selects on the standard channel; afterwards the Tooling API says.
        public var selectedEntities: Set<String> = ["Account", "Contact", "Case"]
        /// What may be used of the event bus: what an org of the largest edition may, and not more. See `use(_:)`.
        public var allocations = OrgEdition.unlimited.allocations
        /// Permissions of users by user name in lower case; others may receive everything.
        public var eventAccess: [String: EventAccess] = [:]
        /// `PlatformEventUsageMetric` by event, client and time segment.
        public var enablesEnhancedUsageMetrics = true
        /// Loads Electric Motors' records into a new org.
        public var loadsSampleData = true
        /// Publishes CREATE events for the sample records, so that a subscriber from EARLIEST has complete rows.
        /// Without, they are like records that were there before change data capture was switched on.
        public var publishesSampleData = true
        /// How long a session lives after its last use. Orgs allow 15 minutes to 24 hours.
        public var sessionLifetime: Duration = .seconds(2 * 3_600)
        /// Connected apps beside the one that the org is founded with.
        public var connectedApps: [ConnectedApp] = []
        /// The OAuth grant with username and password; off, as in new orgs.
        public var allowsPasswordGrant = false
        /// SOAP `login()`. New orgs have it off; clients that are tested against a sandbox need it.
        public var allowsSOAPLogin = true
        /// API calls in 24 hours.
        public var apiCallsMax = OrgEdition.unlimited.apiCallsMax
        /// Calls that run for more than 20 seconds of the org's clock before no others are taken.
        public var longCallsMax = OrgEdition.unlimited.longCallsMax
        /// API calls in 24 hours of single connected apps, by client id or by name; an app that is not named has no limit
        /// of its own, unless it brings one.
        public var apiCallsPerAppMax: [String: Int] = [:]
        /// Rows of a page of Bulk results whose size the caller leaves to the org.
        public var bulkResultRows = 100_000
        /// Platform events of type `BulkApi2JobEvent` for query jobs of Bulk API 2.0, and results that can be read while
        /// the job goes on. A beta: new orgs have it off.
        public var tellsBulkJobs = false
        /// How long a query may run before it is ended with `QUERY_TIMEOUT`.
        public var queryTimeMax: Duration = .seconds(120)
        /// How long events stay on the bus.
        public var eventRetention: Duration = .seconds(72 * 3_600)
        /// Changes of one transaction that are published one by one; the rest is an overflow event per object.
        public var changesPerTransactionMax = 100_000
        /// Behind the `@` of usernames.
        public var usernameSuffix = "electric-motors.example"
        /// Waits for the disk at each commit. Off: the last commits before a power cut may be gone, `kill -9` is safe.
        public var isDurable = true
        /// Custom objects, fields and platform events that the org takes up when it opens.
        public var schema: SchemaDefinitions?
        /// Accounts of people: each with a contact of its own behind it. Not to be switched off again in an org that
        /// has some.
        public var hasPersonAccounts = false
        /// Fields that field-level security hides from every user of the API: `Case.VIN__c`.
        public var hiddenFields: [String] = []
        /// Milliseconds since 1970.
        public var clock: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1_000) }

        public init() {}

        var standardCatalogue: Catalogue {
            Catalogue.standard(
                personAccounts: hasPersonAccounts, events: tellsBulkJobs ? [.bulkJobEvent] : [],
                hidden: HiddenFields(hiddenFields))
        }
    }
}
