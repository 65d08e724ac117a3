internal import HTTPTypes
public import Hummingbird
internal import NIOCore

/// The SOAP API at `/services/Soap/u/XX.X` (partner) and `/services/Soap/c/XX.X` (enterprise): `login`, `logout`, `getUserInfo`,
/// `getServerTimestamp`, and the calls on records of `SOAPOperations`.
///
/// It reads XML and writes XML; who may log in and what a record is are the org's. Nothing of a request is logged: it may hold
/// a password.
public struct SOAPDoor: HTTPRoutes {
    /// As for JSON: 200 records of 40 KB.
    public static let bodyBytesMax = RESTDispatcher.bodyBytesMax

    private let service: any SOAPService
    private let operations: SOAPOperations
    private let bodyBytesMax: Int

    public init(service: any SOAPService & RecordService, bodyBytesMax: Int = Self.bodyBytesMax) {
        self.service = service
        self.bodyBytesMax = bodyBytesMax
        operations = SOAPOperations(records: service)
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
            body = try await request.body.collect(upTo: bodyBytesMax)
        } catch is NIOTooManyBytesError {
            return Self.response(
                .contentTooLarge,
                SOAPWriter.fault(
                    SOAPFault(
                        code: "EXCEEDED_MAX_SIZE_REQUEST",
                        message: "The request is larger than \(bodyBytesMax) bytes"),
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

    private static let sessionOperations: Set<String> = ["login", "logout", "getUserInfo", "getServerTimestamp"]

    /// Answers, and notes the call.
    private func answer(
        to call: SOAPCall, _ flavour: SOAPFlavour, _ version: APIVersion, authority: String
    ) async throws -> Response {
        let operation = call.operation.name
        var record = APICall(
            family: .soap, resource: operation, method: "POST", version: version.text, status: 500, session: nil,
            clientName: call.clientName, countsAgainstLimit: false)
        defer { service.record(record) }
        guard Self.sessionOperations.contains(operation) || SOAPOperations.knows(operation) else {
            throw SOAPFault.unknownOperation(operation)
        }
        let text: String
        if operation == "login" {
            let login = try await service.login(
                username: call.text("username") ?? "", password: call.operation.child("password")?.text ?? "",
                apiVersion: version.number, authority: authority, clientName: call.clientName)
            text = SOAPWriter.login(login, flavour, version)
        } else {
            guard let sessionID = call.sessionID, !sessionID.isEmpty else { throw SOAPFault.invalidSession }
            let session = try await service.soapSession(sessionID)
            record.session = session
            let usage: String
            do throws(OrgError) {
                usage = try await service.countCall(session, requestID: record.requestID)
            } catch {
                throw SOAPFault(error)
            }
            record.countsAgainstLimit = true
            let content: String
            if SOAPOperations.knows(operation) {
                let context = CallContext(
                    session: session, apiVersion: version.text, clientName: call.clientName, api: "soap")
                content = try await operations.answer(call, flavour, context)
            } else {
                content = try await answer(operation, session, flavour)
            }
            text = SOAPWriter.response(operation, flavour, content, usage: usage)
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
            return ""
        case "getUserInfo":
            let user = try await service.soapUserInfo(session)
            return "<result>\(SOAPWriter.members(of: user))</result>"
        default:
            return "<result><timestamp>\(SOAPWriter.time(service.serverTime()))</timestamp></result>"
        }
    }

    private static func response(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/xml;charset=UTF-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
