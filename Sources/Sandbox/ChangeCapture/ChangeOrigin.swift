import Doors

/// What `changeOrigin` says of a transaction.
public enum ChangeOrigin: Sendable, Hashable {
    /// Work of the org by itself: the origin is empty.
    case background
    /// `com/salesforce/api/rest/66.0;client=Astro`: API as Salesforce names it (`rest`, `soap`, `bulkapi`, …).
    case api(name: String, version: String, client: String?)

    var text: String {
        switch self {
        case .background: ""
        case .api(let name, let version, let client):
            "com/salesforce/api/\(name)/\(version)" + (client.map { ";client=\($0)" } ?? "")
        }
    }

    static func call(_ context: CallContext) -> ChangeOrigin {
        .api(name: context.api, version: context.apiVersion, client: context.clientName)
    }
}
