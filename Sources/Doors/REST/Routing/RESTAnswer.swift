internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// What a resource answers.
struct RESTAnswer: Sendable {
    enum Body: Sendable {
        case none
        case document(JSONValue)
        case bytes(ByteBuffer, type: String)
        case stream(ResponseBody, type: String)
    }

    var status: HTTPResponse.Status = .ok
    var headers: HTTPFields = [:]
    var body: Body = .none
    /// The transaction it comes from is to be undone, although there is an answer.
    var undoesTransaction = false

    init(_ document: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) {
        self.status = status
        self.headers = headers
        body = .document(document)
    }

    init(status: HTTPResponse.Status, headers: HTTPFields = [:]) {
        self.status = status
        self.headers = headers
    }

    init(bytes: ByteBuffer, type: String) {
        body = .bytes(bytes, type: type)
    }

    init(_ error: OrgError) {
        status = HTTPResponse.Status(code: error.status)
        if let choices = error.choices {
            body = .document(.array(choices.map(JSONValue.string)))
        } else {
            body = .document(
                ErrorBody.value([.init(errorCode: error.errorCode, message: error.message, fields: error.fields)]))
        }
        if error.status == 401 { headers[.wwwAuthenticate] = "Token" }
    }

    /// The document of a part of a composite answer.
    var document: JSONValue {
        guard case .document(let document) = body else { return .null }
        return document
    }

    /// The answer as HTTP. Small bodies are not worth compressing, and streams cannot be as a whole.
    func response(pretty: Bool, takesGzip: Bool) -> Response {
        var headers = headers
        headers[.cacheControl] = "no-cache,must-revalidate,max-age=0,no-store,private"
        let bytes: ByteBuffer
        switch body {
        case .none:
            return Response(status: status, headers: headers)
        case .stream(let body, let type):
            headers[.contentType] = type
            return Response(status: status, headers: headers, body: body)
        case .document(let document):
            headers[.contentType] = ErrorBody.contentType
            var buffer = ByteBuffer()
            JSONWriter.write(document, pretty: pretty, into: &buffer)
            bytes = buffer
        case .bytes(let buffer, let type):
            headers[.contentType] = type
            bytes = buffer
        }
        headers[.vary] = "Accept-Encoding"
        guard takesGzip, bytes.readableBytes >= Gzip.worthwhileBytes, let small = Gzip.compressed(bytes) else {
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: bytes))
        }
        headers[.contentEncoding] = "gzip"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: small))
    }

    var isSuccess: Bool { (200..<300).contains(status.code) }

    mutating func set(_ name: String, _ value: String) {
        guard let name = HTTPField.Name(name) else { return }
        headers[name] = value
    }
}

extension OrgError {
    static let notFound = OrgError(
        status: 404, errorCode: "NOT_FOUND", message: "The requested resource does not exist")
    static let noSession = OrgError(
        status: 401, errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid")
    static let bodyIsNoObject = OrgError(
        status: 400, errorCode: "JSON_PARSER_ERROR",
        message: "The body must be an object that holds the record's fields at [line:1, column:1]")

    static func retired(_ version: APIVersion) -> OrgError {
        OrgError(
            status: 410, errorCode: "UNSUPPORTED_API_VERSION",
            message: "API version \(version.text) is retired and no longer served. Use \(APIVersion.oldest).0 to "
                + "\(APIVersion.newest).0.")
    }

    static func methodNotAllowed(_ method: String, allowed: [String]) -> OrgError {
        OrgError(
            status: 405, errorCode: "METHOD_NOT_ALLOWED",
            message: "HTTP Method '\(method)' not allowed. Allowed are \(allowed.joined(separator: ","))")
    }

    static func mediaTypeUnsupported(_ type: String?) -> OrgError {
        OrgError(
            status: 415, errorCode: "UNSUPPORTED_MEDIA_TYPE",
            message:
                "Content-Type \(type ?? "(none)") is not supported for this request. Supported is application/json."
        )
    }

    static func badRequest(_ code: String, _ message: String, fields: [String]? = nil) -> OrgError {
        OrgError(status: 400, errorCode: code, message: message, fields: fields)
    }

    /// A part of the body that is not what it must be: `records: must be an array`.
    static func badInput(_ message: String) -> OrgError { badRequest("INVALID_INPUT", message) }
}
