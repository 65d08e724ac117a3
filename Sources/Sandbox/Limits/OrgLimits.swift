import Doors

/// The document of `GET /limits`: what the org allows and what is left of it.
struct OrgLimits {
    struct App {
        var name: String
        /// 0: the app has no limit of its own.
        var max: Int
        var used: Int
    }

    /// 66
    var apiVersion: Int
    var apiCallsMax: Int
    var used: Int
    var apps: [App]
    /// Of the event bus: `DailyDeliveredPlatformEvents` and so on.
    var events: [(name: String, max: Int, remaining: Int)]

    /// Allowances that nothing in the sandbox uses up: those of a Developer Edition.
    static let untouched: [(name: String, max: Int)] = [
        ("ActiveScratchOrgs", 3), ("AnalyticsExternalDataSizeMB", 40_960), ("ConcurrentAsyncGetReportInstances", 200),
        ("ConcurrentEinsteinDataInsightsStoryCreation", 5), ("ConcurrentSyncReportRuns", 20),
        ("DailyAnalyticsDataflowJobExecutions", 60), ("DailyAsyncApexExecutions", 250_000),
        ("DailyAsyncApexTests", 500), ("DailyBulkApiBatches", 15_000), ("DailyBulkV2QueryFileStorageMB", 976_562),
        ("DailyBulkV2QueryJobs", 10_000), ("DailyDeliveredPlatformEvents", 10_000),
        ("DailyDurableGenericStreamingApiEvents", 10_000), ("DailyDurableStreamingApiEvents", 10_000),
        ("DailyGenericStreamingApiEvents", 10_000), ("DailyScratchOrgs", 6),
        ("DailyStandardVolumePlatformEvents", 10_000),
        ("DailyStreamingApiEvents", 10_000), ("DailyWorkflowEmails", 390), ("DataStorageMB", 5),
        ("DurableStreamingApiConcurrentClients", 20), ("FileStorageMB", 20), ("HourlyAsyncReportRuns", 1_200),
        ("HourlyDashboardRefreshes", 200), ("HourlyDashboardResults", 5_000), ("HourlyDashboardStatuses", 999_999_999),
        ("HourlyODataCallout", 1_000), ("HourlyPublishedPlatformEvents", 50_000),
        ("HourlyPublishedStandardVolumePlatformEvents", 1_000), ("HourlySyncReportRuns", 500),
        ("HourlyTimeBasedWorkflow", 50), ("MassEmail", 10), ("MonthlyEinsteinDiscoveryStoryCreation", 500),
        ("MonthlyPlatformEvents", 300_000), ("MonthlyPlatformEventsUsageEntitlement", 0), ("Package2VersionCreates", 6),
        ("PermissionSets", 1_500),
        ("SingleEmail", 15), ("StreamingApiConcurrentClients", 20),
    ]

    var document: JSONValue {
        let counted = Dictionary(events.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var entries: [(name: String, value: JSONValue)] = Self.untouched.map { name, max in
            let event = counted[name]
            return (name, Self.entry(max: event?.max ?? max, remaining: event?.remaining ?? max, []))
        }
        let known = Set(Self.untouched.map(\.name))
        for event in events where !known.contains(event.name) {
            entries.append((event.name, Self.entry(max: event.max, remaining: event.remaining, [])))
        }
        let perApp = apps.map { app in
            JSONValue.Member(name: app.name, value: Self.entry(max: app.max, remaining: max(0, app.max - app.used), []))
        }
        entries.append(
            ("DailyApiRequests", Self.entry(max: apiCallsMax, remaining: max(0, apiCallsMax - used), perApp)))
        // Which of the two months is told depends on the version.
        let hidden = apiVersion >= 48 ? "MonthlyPlatformEvents" : "MonthlyPlatformEventsUsageEntitlement"
        entries.removeAll { $0.name == hidden }
        return .object(entries.sorted { $0.name < $1.name }.map { .init(name: $0.name, value: $0.value) })
    }

    private static func entry(max: Int, remaining: Int, _ nested: [JSONValue.Member]) -> JSONValue {
        .object(
            [
                .init(name: "Max", value: .number(String(max))),
                .init(name: "Remaining", value: .number(String(remaining))),
            ] + nested)
    }
}
