internal import Foundation
internal import HTTPTypes
public import Hummingbird
internal import NIOCore
public import Twin

/// `GET /admin/sync` tells how the replicated objects stand, `POST /admin/sync/snapshots` has one read again,
/// `POST /admin/sync/reconciliations` has them compared with the org, `GET /admin/sync/reconciliations/{id}` tells what that has
/// found. All need the administrator's secret.
public struct SyncDoor: HTTPRoutes {
    private static let bodyBytesMax = 64 << 10

    private let secret: AdminSecret
    private let replica: Replica
    private let budget: @Sendable () -> BudgetSummary

    /// - Parameter budget: how the account of API calls stands.
    public init(secret: AdminSecret, replica: Replica, budget: @escaping @Sendable () -> BudgetSummary) {
        self.secret = secret
        self.replica = replica
        self.budget = budget
    }

    public func add(to router: Router<BasicRequestContext>) {
        router.get("/admin/sync") { request, _ in
            guard secret.isIn(request) else { return secret.refusal() }
            return try Self.answer(
                .ok,
                SyncReport(
                    status: try await replica.status(),
                    gaps: try await GapReport(replica.twin, limit: 5, withClosed: true),
                    budget: budget()))
        }
        router.post("/admin/sync/snapshots") { request, _ in
            guard secret.isIn(request) else { return secret.refusal() }
            let wish: SnapshotWish
            do {
                let body = try await request.body.collect(upTo: Self.bodyBytesMax)
                wish = try JSONDecoder().decode(SnapshotWish.self, from: Data(body.readableBytesView))
            } catch {
                return Self.refusal("the body is a JSON object with object, and where wanted where and fields")
            }
            do {
                let id = try await replica.requestSnapshot(
                    of: wish.object, condition: wish.where, fields: wish.fields)
                return try Self.answer(.accepted, SnapshotTaken(id: id))
            } catch let error as ReplicaError {
                return Self.refusal(error.message)
            }
        }
        addReconciliations(to: router)
    }

    private func addReconciliations(to router: Router<BasicRequestContext>) {
        router.post("/admin/sync/reconciliations") { request, _ in
            guard secret.isIn(request) else { return secret.refusal() }
            let wish: ReconciliationWish
            do {
                let body = try await request.body.collect(upTo: Self.bodyBytesMax)
                wish = try JSONDecoder().decode(ReconciliationWish.self, from: Data(body.readableBytesView))
            } catch {
                return Self.refusal(
                    "the body is a JSON object, where wanted with objects, deep and dryRun", "INVALID_RECONCILIATION")
            }
            do {
                let ids = try await replica.requestReconciliations(
                    of: wish.objects, isDeep: wish.deep ?? false, isDryRun: wish.dryRun ?? false)
                return try Self.answer(.accepted, ReconciliationsTaken(ids: ids))
            } catch let error as ReplicaError {
                return Self.refusal(error.message, "INVALID_RECONCILIATION")
            }
        }
        router.get("/admin/sync/reconciliations/:id") { request, context in
            guard secret.isIn(request) else { return secret.refusal() }
            guard let id = context.parameters.get("id").flatMap({ Int($0) }),
                let report = try await replica.reconciliation(id)
            else {
                return ErrorBody.response(
                    status: .notFound,
                    .init(errorCode: "NOT_FOUND", message: "There is no reconciliation of this number."))
            }
            return try Self.answer(.ok, report)
        }
    }

    private static func refusal(_ message: String, _ code: String = "INVALID_SNAPSHOT") -> Response {
        ErrorBody.response(status: .badRequest, .init(errorCode: code, message: message))
    }

    private static func answer(_ status: HTTPResponse.Status, _ body: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: try encoder.encode(body))))
    }
}

/// The body of `POST /admin/sync/snapshots`.
public struct SnapshotWish: Codable, Sendable {
    public var object: String
    /// A SOQL condition; nil: all rows.
    public var `where`: String?
    /// Nil: all fields.
    public var fields: [String]?
    public init(object: String, where: String?, fields: [String]?) {
        self.object = object
        self.where = `where`
        self.fields = fields
    }
}

/// Its answer: the snapshot's number.
public struct SnapshotTaken: Codable, Sendable {
    public var id: Int
    public init(id: Int) { self.id = id }
}

/// The body of `POST /admin/sync/reconciliations`.
public struct ReconciliationWish: Codable, Sendable {
    /// Nil: all.
    public var objects: [String]?
    /// Every value; nil: counts and stamps.
    public var deep: Bool?
    /// Nothing is put right; nil: it is.
    public var dryRun: Bool?
    public init(objects: [String]?, deep: Bool?, dryRun: Bool?) {
        self.objects = objects
        self.deep = deep
        self.dryRun = dryRun
    }
}

/// Its answer: the reconciliations' numbers, in the order of the objects.
public struct ReconciliationsTaken: Codable, Sendable {
    public var ids: [Int]
    public init(ids: [Int]) { self.ids = ids }
}

/// The account of API calls, in a line.
public struct BudgetSummary: Codable, Sendable {
    /// Ours of the last 24 hours, by purpose.
    public var calls: [String: Int]
    /// By everybody, as the org tells; nil: it has not yet.
    public var orgUsed: Int?
    public var orgMax: Int?
    /// Calls that were not made, for want of budget.
    public var refused: Int
    public init(calls: [String: Int], orgUsed: Int?, orgMax: Int?, refused: Int) {
        self.calls = calls
        self.orgUsed = orgUsed
        self.orgMax = orgMax
        self.refused = refused
    }
}

/// The answer of `GET /admin/sync`.
public struct SyncReport: Codable, Sendable {
    public var status: ReplicaStatus
    public var gaps: GapReport
    public var budget: BudgetSummary
    public init(status: ReplicaStatus, gaps: GapReport, budget: BudgetSummary) {
        self.status = status
        self.gaps = gaps
        self.budget = budget
    }
}
