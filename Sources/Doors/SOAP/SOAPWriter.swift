/// Writes SOAP answers. Order matters: clients read the members by their place.
enum SOAPWriter {
    static func login(_ login: SOAPLogin, _ flavour: SOAPFlavour, _ version: APIVersion) -> String {
        let address = "\(login.instanceURL)/services/Soap/"
        let suffix = "\(version.text)/\(login.user.organizationID.prefix(15))"
        return response(
            "login", flavour,
            "<result>" + element("metadataServerUrl", address + "m/" + suffix) + element("passwordExpired", "false")
                + element("sandbox", login.isSandbox ? "true" : "false")
                + element("serverUrl", address + "\(flavour.rawValue)/" + suffix)
                + element("sessionId", login.sessionID) + element("userId", login.user.userID)
                + "<userInfo>\(members(of: login.user))</userInfo></result>")
    }

    static func members(of user: SOAPUserInfo) -> String {
        element("accessibilityMode", "false") + element("chatterExternal", "false") + element("currencySymbol", "€")
            + element("orgAttachmentFileSizeLimit", "26214400") + element("orgDefaultCurrencyIsoCode", "EUR")
            + element("orgDefaultCurrencyLocale", "de_DE_EURO") + element("orgDisallowHtmlAttachments", "false")
            + element("orgHasPersonAccounts", "false") + element("organizationId", user.organizationID)
            + element("organizationMultiCurrency", "false") + element("organizationName", user.organizationName)
            + element("profileId", user.profileID) + nothing("roleId")
            + element("sessionSecondsValid", String(user.sessionSecondsValid)) + nothing("userDefaultCurrencyIsoCode")
            + element("userEmail", user.email) + element("userFullName", user.fullName) + element("userId", user.userID)
            + element("userLanguage", "en_US") + element("userLocale", "en_US") + element("userName", user.username)
            + element("userTimeZone", "GMT") + element("userType", "Standard")
            + element("userUiSkin", "Theme3")
    }

    /// `usage`: `api-usage=18/15000`, as `Sforce-Limit-Info` says it; told in `LimitInfoHeader`.
    static func response(
        _ operation: String, _ flavour: SOAPFlavour, _ content: String, usage: String? = nil
    ) -> String {
        envelope(
            "xmlns=\"\(flavour.namespace)\" xmlns:sf=\"\(flavour.recordNamespace)\"",
            "<\(operation)Response>\(content)</\(operation)Response>", header: usage.flatMap(limitInfo) ?? "")
    }

    private static func limitInfo(_ usage: String) -> String? {
        let numbers = usage.prefix { $0 != ";" && $0 != " " }.split(separator: "=").last?.split(separator: "/") ?? []
        guard numbers.count == 2 else { return nil }
        return "<LimitInfoHeader><limitInfo>" + element("current", String(numbers[0]))
            + element("limit", String(numbers[1])) + element("type", "API REQUESTS") + "</limitInfo></LimitInfoHeader>"
    }

    /// `isProtocolError`: the envelope itself could not be read.
    static func fault(_ fault: SOAPFault, _ flavour: SOAPFlavour, isProtocolError: Bool = false) -> String {
        guard !isProtocolError else {
            return envelope(
                "",
                "<soapenv:Fault>" + "<faultcode>soapenv:Client</faultcode>"
                    + element("faultstring", fault.message) + "</soapenv:Fault>")
        }
        let kind = fault.kind
        return envelope(
            "xmlns:sf=\"\(flavour.faultNamespace)\"",
            "<soapenv:Fault><faultcode>sf:\(XMLText.escaped(fault.code))</faultcode>"
                + element("faultstring", "\(fault.code): \(fault.message)")
                + "<detail><sf:\(kind) xsi:type=\"sf:\(kind)\">"
                + "<sf:exceptionCode>\(XMLText.escaped(fault.code))</sf:exceptionCode>"
                + "<sf:exceptionMessage>\(XMLText.escaped(fault.message))</sf:exceptionMessage>\(place(of: fault))</sf:\(kind)></detail>"
                + "</soapenv:Fault>")
    }

    /// `2026-02-17T04:03:15.250Z`
    static func time(_ milliseconds: Int64) -> String { ISOTime.text(milliseconds) }

    /// `2026-02-17T04:03:15.000+0000`, as REST writes times.
    static func isTimeOfREST(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.count == 28 && bytes[10] == UInt8(ascii: "T") && text.hasSuffix("+0000")
    }

    static func time(ofREST text: String) -> String { text.dropLast("+0000".count) + "Z" }

    /// Any document as XML: members as elements in the order of their names, arrays as several of them, nulls and what belongs
    /// to REST alone (addresses, the query part of a page) left out.
    static func value(_ name: String, _ value: JSONValue) -> String {
        switch value {
        case .null: return ""
        case .boolean(let flag): return element(name, flag ? "true" : "false")
        case .number(let text): return element(name, text)
        case .string(let text): return element(name, isTimeOfREST(text) ? time(ofREST: text) : text)
        case .array(let values): return values.map { self.value(name, $0) }.joined()
        case .object(let members):
            let content = members.filter { $0.name != "urls" }.sorted { $0.name < $1.name }
            return "<\(name)>" + content.map { self.value($0.name, $0.value) }.joined() + "</\(name)>"
        }
    }

    /// The element `errors` of a result.
    static func error(_ error: OrgError) -> String {
        "<errors>" + (error.fields ?? []).map { element("fields", $0) }.joined() + element("message", error.message)
            + element("statusCode", error.errorCode) + "</errors>"
    }

    /// Faults of queries say where; -1 is no place.
    private static func place(of fault: SOAPFault) -> String {
        guard fault.isAboutQuery else { return "" }
        return "<sf:row>\(fault.row ?? -1)</sf:row><sf:column>\(fault.column ?? -1)</sf:column>"
    }

    static func element(_ name: String, _ text: String) -> String { "<\(name)>\(XMLText.escaped(text))</\(name)>" }

    static func nothing(_ name: String) -> String { "<\(name) xsi:nil=\"true\"/>" }

    private static func envelope(_ namespaces: String, _ body: String, header: String = "") -> String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
            + "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\""
            + (namespaces.isEmpty ? "" : " \(namespaces)")
            + " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
            + (header.isEmpty ? "" : "<soapenv:Header>\(header)</soapenv:Header>")
            + "<soapenv:Body>\(body)</soapenv:Body>"
            + "</soapenv:Envelope>"
    }
}
