internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// What the OData door answers.
struct ODataAnswer {
    var status = 200
    var headers: HTTPFields = [:]
    private var type: String
    private var body: ByteBuffer

    init(_ document: JSONValue, _ format: ODataFormat) {
        type = format.mediaType
        body = ByteBuffer()
        JSONWriter.write(document, into: &body)
    }

    init(_ text: String, type: String) {
        self.type = type
        body = ByteBuffer(string: text)
    }

    init(_ error: ODataError) {
        self.init(error.document, ODataFormat())
        status = error.status
        if let allowed = error.allowed { headers[.allow] = allowed }
        if status == 401 { headers[.wwwAuthenticate] = #"Basic realm="OData", charset="UTF-8""# }
    }

    func response(takesGzip: Bool) -> Response {
        var headers = headers
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        headers[.vary] = "Accept-Encoding"
        if let version = HTTPField.Name("OData-Version") { headers[version] = "4.0" }
        let status = HTTPResponse.Status(code: status)
        guard takesGzip, body.readableBytes >= Gzip.worthwhileBytes, let small = Gzip.compressed(body) else {
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
        }
        headers[.contentEncoding] = "gzip"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: small))
    }
}
