/// One element of an XML document: its name, attributes, text and children, all names without prefix. Namespaces are not
/// looked at: clients choose their own prefixes.
struct XMLElement: Hashable, Sendable {
    /// Without prefix.
    var name: String
    /// `["nil": "true"]` of `xsi:nil="true"`; declarations of namespaces are left out.
    var attributes: [String: String] = [:]
    /// All character data of the element itself, entities and CDATA resolved.
    var text = ""
    var children: [XMLElement] = []

    /// `xsi:nil`: the element says that there is no value.
    var isNil: Bool { attributes["nil"] == "true" || attributes["nil"] == "1" }

    func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }
}

/// Why a text is not the XML that this door takes.
struct XMLError: Error, Hashable, Sendable {
    var reason: String
    /// In bytes.
    var offset: Int
}
