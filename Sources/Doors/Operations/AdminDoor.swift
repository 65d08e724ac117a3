public import Hummingbird
internal import HTTPTypes
public import Logging
internal import NIOCore

/// `POST /admin/revoke`: takes push tokens back, at once and also after a restart.
///
/// The body is a JSON object with `subject`, `tokenId` or neither, and for a subject or everybody `issuedUpTo` (seconds since
/// 1970; now, where a subject is named without it). Needs the administrator's secret as `Authorization: Bearer …`; a process
/// without such a secret has no such routes.
public struct AdminDoor: HTTPRoutes {
    private static let bodyBytesMax = 16 << 10

    private let secret: AdminSecret
    private let hub: PushHub
    private let logger: Logger
    private let revocations: Counter

    public init(secret: AdminSecret, hub: PushHub, metrics: MetricsRegistry, logger: Logger) {
        self.secret = secret
        self.hub = hub
        self.logger = logger
        revocations = metrics.counter("millrace_push_revocations_total", help: "Revocations of push tokens")
    }

    public func add(to router: Router<BasicRequestContext>) {
        router.post("/admin/revoke") { request, _ in
            guard secret.isIn(request) else { return secret.refusal() }
            let revocation: Revocation
            do throws(RevocationRequest.Mistake) {
                let body = try await collect(request)
                revocation = try RevocationRequest.revocation(in: body, now: WallClock.seconds())
            } catch {
                return ErrorBody.response(
                    status: error.isTooLong ? .contentTooLarge : .badRequest,
                    .init(errorCode: "INVALID_REVOCATION", message: error.message))
            }
            return try await revoke(revocation)
        }
    }

    private func revoke(_ revocation: Revocation) async throws -> Response {
        revocations.increment()
        do {
            try await hub.revoke(revocation)
        } catch {
            logger.error(
                "push: a revocation is in force but not stored", metadata: ["error": "\(error)"])
            return ErrorBody.response(
                status: .internalServerError,
                .init(
                    errorCode: "NOT_STORED",
                    message: "in force, but it could not be stored: a restart would forget it. Send it again."))
        }
        logger.notice("push: tokens were revoked", metadata: ["revocation": "\(revocation)"])
        return Response(status: .noContent)
    }

    private func collect(_ request: Request) async throws(RevocationRequest.Mistake) -> ByteBuffer {
        do {
            return try await request.body.collect(upTo: Self.bodyBytesMax)
        } catch {
            throw .init(message: "the body is longer than \(Self.bodyBytesMax) bytes, or ended early", isTooLong: true)
        }
    }
}

/// The body of `POST /admin/revoke`.
enum RevocationRequest {
    struct Mistake: Error {
        var message: String
        var isTooLong = false
    }

    static func revocation(in body: ByteBuffer, now: Int64) throws(Mistake) -> Revocation {
        let members = try members(of: body)
        var subject: String?
        var tokenID: String?
        var issuedUpTo: Int64?
        for member in members {
            switch (member.name, member.value) {
            case ("subject", .string(let text)): subject = try name(text, "subject")
            case ("tokenId", .string(let text)): tokenID = try name(text, "tokenId")
            case ("issuedUpTo", .number(let text)):
                guard let time = Int64(text), time >= 0 else {
                    throw Mistake(message: "issuedUpTo is a whole number of seconds since 1970")
                }
                issuedUpTo = time
            case ("subject", _), ("tokenId", _): throw Mistake(message: "\(member.name) is a string")
            case ("issuedUpTo", _): throw Mistake(message: "issuedUpTo is a whole number of seconds since 1970")
            default:
                throw Mistake(message: "\(member.name) is not known: subject, tokenId and issuedUpTo are")
            }
        }
        switch (subject, tokenID, issuedUpTo) {
        case (let subject?, nil, let time): return .subject(subject, issuedUpTo: time ?? now)
        case (nil, let id?, nil): return .tokenID(id)
        case (nil, nil, let time?): return .everything(issuedUpTo: time)
        case (nil, nil, nil): throw Mistake(message: "name a subject, a tokenId, or for everybody issuedUpTo")
        default: throw Mistake(message: "a tokenId stands alone")
        }
    }

    private static func members(of body: ByteBuffer) throws(Mistake) -> [JSONValue.Member] {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONParser.parse(body.readableBytesView)
        } catch {
            throw Mistake(message: "the body is not JSON: \(error)")
        }
        guard case .object(let members) = document else { throw Mistake(message: "the body is not a JSON object") }
        return members
    }

    private static func name(_ text: String, _ member: String) throws(Mistake) -> String {
        guard !text.isEmpty, text.utf8.count <= Revocation.nameBytesMax else {
            throw Mistake(message: "\(member) has 1 to \(Revocation.nameBytesMax) bytes")
        }
        return text
    }
}
