import Doors
import Store

extension ComputedObject {
    /// See `UsageMetric`.
    static var usageMetric: ComputedObject {
        var object = ComputedObject(definition: UsageMetric.definition) { sandbox, _, _ in
            let metric = UsageMetric(
                ledger: sandbox.eventUsage.ledger, now: sandbox.configuration.clock(),
                isEnhanced: sandbox.configuration.enablesEnhancedUsageMetrics)
            return metric.rows.map { ComputedRow(id: UsageMetric.recordID, values: $0) }
        }
        object.check = { query, now throws(OrgError) in try UsageMetricRules.check(query, now: now) }
        object.rowsMax = UsageMetricRules.rowsMax
        return object
    }

    /// See `EventBusSubscriber`.
    static let eventBusSubscriber = ComputedObject(definition: EventBusSubscriber.definition) { _, _, _ in [] }
}
