internal import Foundation

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
            + element("userTimeZone", "Europe/Berlin") + element("userType", "Standard")
            + element("userUiSkin", "Theme3")
    }

    static func response(_ operation: String, _ flavour: SOAPFlavour, _ content: String) -> String {
        envelope(
            "xmlns=\"\(flavour.namespace)\"", "<\(operation)Response>\(content)</\(operation)Response>")
    }

    /// `isProtocolError`: the envelope itself could not be read.
    static func fault(_ fault: SOAPFault, _ flavour: SOAPFlavour, isProtocolError: Bool = false) -> String {
        guard !isProtocolError else {
            return envelope(
                "",
                "<soapenv:Fault>" + "<faultcode>soapenv:Client</faultcode>"
                    + element("faultstring", fault.message) + "</soapenv:Fault>")
        }
        let kind = fault.code == "INVALID_LOGIN" ? "LoginFault" : "UnexpectedErrorFault"
        return envelope(
            "xmlns:sf=\"\(flavour.faultNamespace)\"",
            "<soapenv:Fault><faultcode>sf:\(escaped(fault.code))</faultcode>"
                + element("faultstring", "\(fault.code): \(fault.message)")
                + "<detail><sf:\(kind) xsi:type=\"sf:\(kind)\">"
                + "<sf:exceptionCode>\(escaped(fault.code))</sf:exceptionCode>"
                + "<sf:exceptionMessage>\(escaped(fault.message))</sf:exceptionMessage></sf:\(kind)></detail>"
                + "</soapenv:Fault>")
    }

    /// `2026-02-17T04:03:15.250Z`
    static func time(_ milliseconds: Int64) -> String {
        let instant = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
        return instant.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            // Control characters have no form in XML 1.0.
            case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func element(_ name: String, _ text: String) -> String { "<\(name)>\(escaped(text))</\(name)>" }

    private static func nothing(_ name: String) -> String { "<\(name) xsi:nil=\"true\"/>" }

    private static func envelope(_ namespaces: String, _ body: String) -> String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
            + "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\""
            + (namespaces.isEmpty ? "" : " \(namespaces)")
            + " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\(body)</soapenv:Body>"
            + "</soapenv:Envelope>"
    }
}
