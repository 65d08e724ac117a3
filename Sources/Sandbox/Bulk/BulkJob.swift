import Doors

/// A bulk job as it is kept. What its rows have become stands in its parts, which change with every chunk; the job itself is
/// written only when its state changes.
struct BulkJob: Codable, Sendable {
    /// What is needed of a caller whose session may be over when the work is done.
    struct Caller: Codable, Sendable {
        var userID: String
        var username: String
        var organizationID: String
        var clientID: String
        var clientName: String?
    }

    var info: BulkJobInfo
    var caller: Caller
    /// Of a 2.0 query.
    var soql: String?
    /// Data was sent: no second time.
    var hasUpload = false
    var pkChunking: PKChunking?
    /// A 2.0 job has one part, a job of Bulk 1.0 one per batch.
    var partCount = 0

    /// Jobs, their data and their results are kept that long.
    static let retention = Duration.seconds(7 * 86_400)
    /// An ingest job takes data that long.
    static let openMax = Duration.seconds(86_400)

    init(_ info: BulkJobInfo, context: CallContext) {
        self.info = info
        caller = Caller(
            userID: context.session.userID, username: context.session.username,
            organizationID: context.session.organizationID, clientID: context.session.clientID,
            clientName: context.clientName)
    }

    /// The caller again, for work in the background.
    var context: CallContext {
        CallContext(
            session: OrgSession(
                accessToken: "", userID: caller.userID, username: caller.username,
                organizationID: caller.organizationID, clientID: caller.clientID),
            apiVersion: info.apiVersion, clientName: caller.clientName)
    }

    var changeOrigin: ChangeOrigin {
        .api(name: "bulkapi", version: info.apiVersion, client: caller.clientName)
    }

    func isExpired(now: Int64) -> Bool { now - info.createdDate > Int64(Self.retention / .milliseconds(1)) }

    /// What time alone has made of it.
    func aged(now: Int64) -> BulkJob {
        guard info.state == .open, now - info.createdDate > Int64(Self.openMax / .milliseconds(1)) else { return self }
        var aged = self
        aged.info.state = info.type == .classic ? .closed : .aborted
        aged.info.systemModstamp = info.createdDate + Int64(Self.openMax / .milliseconds(1))
        return aged
    }

    /// True while somebody must work on it.
    var wantsWork: Bool {
        switch info.state {
        case .uploadComplete, .inProgress: true
        // Batches of Bulk 1.0 are worked on from the moment they arrive.
        case .open, .closed: info.type == .classic
        case .jobComplete, .aborted, .failed: false
        }
    }
}
