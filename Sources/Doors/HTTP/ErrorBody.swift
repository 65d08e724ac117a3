internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// The body of every error that the HTTP door answers: Salesforce's array, also outside the REST API, so that a client
/// meets one form.
enum ErrorBody {
    struct Entry {
        var errorCode: String
        var message: String
        var fields: [String]?
    }

    static let contentType = "application/json;charset=UTF-8"

    static func value(_ entries: [Entry]) -> JSONValue {
        .array(
            entries.map { entry in
                var members: [JSONValue.Member] = [
                    .init(name: "message", value: .string(entry.message)),
                    .init(name: "errorCode", value: .string(entry.errorCode)),
                ]
                if let fields = entry.fields {
                    members.append(.init(name: "fields", value: .array(fields.map(JSONValue.string))))
                }
                return .object(members)
            })
    }

    static func buffer(_ entries: [Entry]) -> ByteBuffer {
        var buffer = ByteBuffer()
        JSONWriter.write(value(entries), into: &buffer)
        return buffer
    }

    static func response(status: HTTPResponse.Status, _ entry: Entry, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = contentType
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: buffer([entry])))
    }
}
