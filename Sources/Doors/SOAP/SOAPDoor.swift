internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// The part of the SOAP API that clients still log in with: `login`, `logout`, `getUserInfo` and `getServerTimestamp` at
/// `/services/Soap/u/XX.X` (partner) and `/services/Soap/c/XX.X` (enterprise).
///
/// It reads XML and writes XML; who may log in is the org's. Nothing of a request is logged: it holds a password.
public struct SOAPDoor: HTTPRoutes {
    /// A login is a kilobyte.
    public static let bodyBytesMax = 256 << 10

    private let service: any SOAPService

    public init(service: any SOAPService) {
        self.service = service
    }

    public func add(to router: Router<BasicRequestContext>) {
        // Clients write the address with and without a slash or the org's id behind it.
        for path: RouterPath in ["/services/Soap/:kind/:version", "/services/Soap/:kind/:version/**"] {
            router.post(path) { request, context in
                try await respond(
                    to: request, kind: context.parameters.get("kind") ?? "",
                    version: context.parameters.get("version") ?? "")
            }
        }
    }

    private func respond(to request: Request, kind: String, version: String) async throws -> Response {
        guard let flavour = SOAPFlavour(rawValue: kind) else {
            throw HTTPError(.notFound, message: "The requested resource does not exist")
        }
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: Self.bodyBytesMax)
        } catch is NIOTooManyBytesError {
            return Self.response(
                .contentTooLarge,
                SOAPWriter.fault(
                    SOAPFault(
                        code: "EXCEEDED_MAX_SIZE_REQUEST",
                        message: "The request is larger than \(Self.bodyBytesMax) bytes"),
                    flavour))
        }
        do {
            guard let version = APIVersion(pathElement: "v" + version), !version.isRetired else {
                throw SOAPFault(
                    code: "UNSUPPORTED_API_VERSION",
                    message: "Invalid Api version specified on URL: \(version.prefix(16))")
            }
            let call = try SOAPCall(body)
            return try await answer(to: call, flavour, version, authority: request.head.authority ?? "")
        } catch let fault as SOAPFault {
            return Self.response(.internalServerError, SOAPWriter.fault(fault, flavour))
        } catch let error as XMLError {
            let fault = SOAPFault(code: "Client", message: "\(error.reason) (at byte \(error.offset))")
            return Self.response(.internalServerError, SOAPWriter.fault(fault, flavour, isProtocolError: true))
        }
    }

    /// Answers, and notes the call.
    private func answer(
        to call: SOAPCall, _ flavour: SOAPFlavour, _ version: APIVersion, authority: String
    ) async throws(SOAPFault) -> Response {
        let operation = String(call.operation.name.prefix(80))
        guard ["login", "logout", "getUserInfo", "getServerTimestamp"].contains(operation) else {
            throw SOAPFault(code: "INVALID_OPERATION", message: "No operation available for request \(operation)")
        }
        var record = APICall(
            family: .soap, resource: operation, method: "POST", version: version.text, status: 500, session: nil,
            clientName: call.clientName, countsAgainstLimit: operation != "login")
        defer { service.record(record) }
        let text: String
        if operation == "login" {
            let login = try await service.login(
                username: call.operation.child("username")?.text ?? "",
                password: call.operation.child("password")?.text ?? "", apiVersion: version.number,
                authority: authority, clientName: call.clientName)
            text = SOAPWriter.login(login, flavour, version)
        } else {
            guard let sessionID = call.sessionID, !sessionID.isEmpty else { throw .invalidSession }
            let session = try await service.soapSession(sessionID)
            record.session = session
            do throws(OrgError) {
                _ = try await service.countCall(session)
            } catch {
                throw SOAPFault(code: error.errorCode, message: error.message)
            }
            text = try await answer(operation, session, flavour)
        }
        record.status = 200
        return Self.response(.ok, text)
    }

    private func answer(
        _ operation: String, _ session: OrgSession, _ flavour: SOAPFlavour
    ) async throws(SOAPFault) -> String {
        switch operation {
        case "logout":
            try await service.logout(session)
            return SOAPWriter.response(operation, flavour, "")
        case "getUserInfo":
            let user = try await service.soapUserInfo(session)
            return SOAPWriter.response(operation, flavour, "<result>\(SOAPWriter.members(of: user))</result>")
        default:
            let time = SOAPWriter.time(service.serverTime())
            return SOAPWriter.response(operation, flavour, "<result><timestamp>\(time)</timestamp></result>")
        }
    }

    private static func response(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/xml;charset=UTF-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// What stands in the path, and which namespaces follow from it.
enum SOAPFlavour: String {
    case partner = "u"
    case enterprise = "c"

    var namespace: String { self == .partner ? "urn:partner.soap.sforce.com" : "urn:enterprise.soap.sforce.com" }
    var faultNamespace: String {
        self == .partner ? "urn:fault.partner.soap.sforce.com" : "urn:fault.enterprise.soap.sforce.com"
    }
}

/// A SOAP envelope, taken apart.
struct SOAPCall {
    var operation: XMLElement
    var sessionID: String?
    /// `client` of `CallOptions`.
    var clientName: String?

    init(_ body: ByteBuffer) throws {
        let root = try XMLReader.parse(body.readableBytesView)
        guard root.name == "Envelope", let content = root.child("Body"), let operation = content.children.first else {
            throw SOAPFault(code: "INVALID_OPERATION", message: "The request is not a SOAP envelope with a body")
        }
        self.operation = operation
        let header = root.child("Header")
        sessionID = header?.child("SessionHeader")?.child("sessionId")?.text.trimmingWhiteSpace
        clientName = header?.child("CallOptions")?.child("client")?.text.trimmingWhiteSpace
    }
}

extension String {
    fileprivate var trimmingWhiteSpace: String {
        let kept = drop { $0.isWhitespace }
        guard let last = kept.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(kept[...last])
    }
}
