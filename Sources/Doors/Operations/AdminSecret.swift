internal import Crypto
internal import HTTPTypes
internal import Hummingbird

/// What opens `/admin`: `Authorization: Bearer …` with the administrator's secret. Any thread.
public struct AdminSecret: Sendable {
    /// The shortest secret: that of a random 256-bit number.
    public static let bytesMin = 32

    private let hash: SHA256.Digest
    private let refusals: Counter

    public init(_ secret: String, metrics: MetricsRegistry) {
        precondition(secret.utf8.count >= Self.bytesMin, "checked where it was read")
        hash = SHA256.hash(data: Array(secret.utf8))
        refusals = metrics.counter(
            "millrace_admin_refused_total", help: "Requests to /admin without the administrator's secret")
    }

    /// Hashes are compared, and in constant time: how long it takes says nothing about the secret.
    func isIn(_ request: Request) -> Bool {
        guard let header = request.headers[.authorization], header.lowercased().hasPrefix("bearer ") else {
            return false
        }
        return SHA256.hash(data: Array(header.dropFirst("bearer ".count).utf8)) == hash
    }

    func refusal() -> Response {
        refusals.increment()
        return ErrorBody.response(
            status: .unauthorized,
            .init(errorCode: "INVALID_SESSION_ID", message: "the administrator's secret is missing or wrong"),
            headers: [.wwwAuthenticate: "Bearer"])
    }
}
