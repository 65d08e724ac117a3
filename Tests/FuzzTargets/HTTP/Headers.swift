import HTTPTypes

@testable import Doors

/// The values of headers that we take apart ourselves: cookies, credentials, offers of compression, content types, dates.
enum Headers {
    static func run(_ input: inout FuzzInput) {
        let text = input.remainingText()
        cookies(text)
        credentials(text)
        _ = RESTRequest.isJSON(text)
        _ = RESTRequest.acceptsJSON(text)
        _ = Gzip.isTaken(text)
        if let agreement = MessageDeflate.agreement(to: [text]) {
            property(
                "what is agreed on is compression without memory",
                holds: agreement.hasPrefix("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
            )
            property("an agreement can be agreed to", holds: MessageDeflate.agreement(to: [agreement]) == agreement)
        }
        if let boundary = MultipartBody.boundary(text) {
            property("a boundary is part of its header", holds: boundary.utf8.count < text.utf8.count)
        }
        if let milliseconds = HTTPDate.milliseconds(text), (0..<firstUnwritten).contains(milliseconds) {
            property(
                "a date that is written is read the same",
                holds: HTTPDate.milliseconds(HTTPDate.text(milliseconds)) == milliseconds)
        }
        if let version = APIVersion(pathElement: text) {
            property("a version is written as it was", holds: "v\(version.text)" == text)
        }
        _ = attempt { try BayeuxDoor.version(in: text) }
        let list = CORSAllowList(origins: ["https://*.example.com", text])
        property("an origin that is not listed is not allowed", holds: !CORSAllowList(origins: []).allows(text))
        if !text.contains("://*.") { property("an origin that is listed is allowed", holds: list.allows(text)) }
    }

    /// The year 10000: a zone can lead there, where no date is read.
    private static let firstUnwritten: Int64 = 253_402_300_800_000

    private static func cookies(_ text: String) {
        var headers = HTTPFields()
        headers.append(HTTPField(name: .cookie, value: text))
        guard let session = BayeuxDoor.cookie(in: headers) else { return }
        property("a cookie has no end in it", holds: !session.contains(";"))
        var again = HTTPFields()
        again.append(HTTPField(name: .cookie, value: "a=b; \(BayeuxDoor.sessionCookie)=\(session); c=d"))
        property("a cookie is found among others", holds: BayeuxDoor.cookie(in: again) == session)
    }

    private static func credentials(_ text: String) {
        var headers = HTTPFields()
        headers.append(HTTPField(name: .authorization, value: text))
        if let token = RESTRequest.accessToken(in: headers) {
            property(
                "a token is not empty and does not begin with a space", holds: token.first.map { $0 != " " } == true)
        }
        guard let name = HTTPField.Name("Sforce-Call-Options") else { return }
        headers.append(HTTPField(name: name, value: text))
        if let client = RESTRequest.clientName(in: headers) {
            property("a client's name is bounded", holds: client.count <= CallContext.clientNameMax)
        }
    }
}
