/// What the doctor has found out about one thing.
struct Finding: Sendable, Hashable, Encodable {
    enum Weight: String, Sendable, Hashable, Encodable {
        case ok
        /// It works, and may not for long or not as one thinks.
        case warning
        /// It does not work.
        case error
    }

    var weight: Weight
    /// `login`, `objects`.
    var subject: String
    var message: String
    /// What to do; nil: nothing.
    var advice: String?

    static func ok(_ subject: String, _ message: String) -> Finding {
        Finding(weight: .ok, subject: subject, message: message)
    }

    static func warning(_ subject: String, _ message: String, advice: String) -> Finding {
        Finding(weight: .warning, subject: subject, message: message, advice: advice)
    }

    static func error(_ subject: String, _ message: String, advice: String) -> Finding {
        Finding(weight: .error, subject: subject, message: message, advice: advice)
    }

    /// For people, the advice on a line of its own.
    var text: String {
        let mark =
            switch weight {
            case .ok: "ok      "
            case .warning: "warning "
            case .error: "ERROR   "
            }
        return "\(mark) \(subject): \(message)" + (advice.map { "\n          \($0)" } ?? "")
    }
}
