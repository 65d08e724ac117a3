/// The documents that say what there is: CSDL in XML, and the service document.
enum ODataMetadata {
    static let namespace = "Millrace"
    static let container = "Container"

    /// `GET $metadata`
    static func csdl(_ types: [ODataEntityType]) -> String {
        var text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx" Version="4.0"><edmx:DataServices>\
            <Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="\(namespace)">
            """
        for type in types {
            text += "\n<EntityType Name=\"\(type.name)\"><Key><PropertyRef Name=\"\(ODataEntityType.key)\"/></Key>"
            for property in type.properties {
                text += "\n<Property Name=\"\(property.name)\" Type=\"\(property.type.name)\""
                if !property.isNullable { text += " Nullable=\"false\"" }
                for facet in property.type.facets { text += " \(facet.name)=\"\(facet.value)\"" }
                text += "/>"
            }
            text += "\n</EntityType>"
        }
        text += "\n<EntityContainer Name=\"\(container)\">"
        for type in types {
            text += "\n<EntitySet Name=\"\(type.name)\" EntityType=\"\(namespace).\(type.name)\"/>"
        }
        return text + "\n</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>\n"
    }

    /// `GET` of the root.
    static func service(_ types: [ODataEntityType], root: String, isWithContext: Bool) -> JSONValue {
        let sets = types.map { type in
            JSONValue.members(
                ("name", .string(type.name)), ("kind", .string("EntitySet")), ("url", .string(type.name)))
        }
        var members: [JSONValue.Member] = []
        if isWithContext { members.append(.init(name: "@odata.context", value: .string(root + "$metadata"))) }
        members.append(.init(name: "value", value: .array(sets)))
        return .object(members)
    }
}
