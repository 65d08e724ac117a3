/// The metadata keys of this module's log lines.
enum LogKey {
    static let topic = "upstream.topic"
    static let error = "upstream.error"
    static let cause = "upstream.cause"
    static let delay = "upstream.delay"
    static let start = "upstream.start"
    static let schema = "upstream.schema"
    static let computedSchema = "upstream.schema.computed"
    static let org = "upstream.org"
    static let call = "upstream.call"
    static let requested = "upstream.requested"
    static let received = "upstream.received"
    static let pending = "upstream.pending"
}
