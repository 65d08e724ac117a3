/// A record as a SOAP call gives it.
///
/// The partner API names the object in a first element `type`, the enterprise API in `xsi:type`. An element that is empty or
/// `xsi:nil` says nothing about its field: fields are emptied by naming them in `fieldsToNull`.
struct SOAPRecord {
    let object: String
    let id: String?
    /// In the form of a JSON record: texts, nulls, and parents named by an external id of theirs.
    let fields: [JSONValue.Member]

    init(_ element: XMLElement) throws(OrgError) {
        guard let object = Self.object(of: element) else {
            throw .badRequest("INVALID_TYPE", "Must send a concrete entity type.", fields: [])
        }
        self.object = object
        id = element.textOfChild("Id") ?? element.textOfChild("id")
        fields = Self.fields(of: element)
    }

    private static func object(of element: XMLElement) -> String? {
        if let type = element.textOfChild("type") { return type }
        guard let type = element.attributes["type"]?.split(separator: ":").last, type != "sObject" else { return nil }
        return String(type)
    }

    private static func fields(of element: XMLElement) -> [JSONValue.Member] {
        var fields: [JSONValue.Member] = []
        for child in element.children where !["type", "Id", "id"].contains(child.name) && !child.isNil {
            if child.name == "fieldsToNull" {
                fields.append(.init(name: child.trimmedText, value: .null))
            } else if !child.children.isEmpty {
                var parent = Self.fields(of: child)
                if let object = object(of: child) {
                    parent.append(.init(name: "attributes", value: .members(("type", .string(object)))))
                }
                fields.append(.init(name: child.name, value: .object(parent)))
            } else if !child.text.isEmpty {
                fields.append(.init(name: child.name, value: .string(child.text)))
            }
        }
        return fields
    }
}

/// Writes records as the SOAP API has them. Used within one call.
///
/// The partner API writes the object's name and the id first, empty where the query did not ask for it, and then every field in its
/// order, the id once more among them: its clients know that. Date-times end in `Z`.
struct SOAPRecordWriter {
    let flavour: SOAPFlavour
    let work: any OrgWork
    /// Names of the date-time fields, by object.
    private var dateTimes: [String: Set<String>] = [:]

    init(_ flavour: SOAPFlavour, _ work: any OrgWork) {
        self.flavour = flavour
        self.work = work
    }

    /// `document`: a record with `attributes`, as REST has it; null: none.
    mutating func element(_ name: String, _ document: JSONValue) throws(OrgError) -> String {
        guard let record = JSONObject(document) else { return SOAPWriter.nothing(name) }
        let object = record.recordType ?? ""
        var content = ""
        if flavour == .partner {
            content += "<sf:type>\(XMLText.escaped(object))</sf:type>"
            content += record.text("Id").map { SOAPWriter.element("sf:Id", $0) } ?? SOAPWriter.nothing("sf:Id")
        }
        for member in record.members where member.name != "attributes" {
            content += try field(member, of: object)
        }
        let type = flavour == .partner ? "sObject" : object
        return "<\(name) xsi:type=\"sf:\(type)\">\(content)</\(name)>"
    }

    /// A page of a query.
    mutating func page(_ name: String, _ document: JSONValue) throws(OrgError) -> String {
        let page = JSONObject(document)
        let locator = page?.text("nextRecordsUrl")?.split(separator: "/").last.map(String.init)
        var content = SOAPWriter.element("done", page?.flag("done") == false ? "false" : "true")
        content += locator.map { SOAPWriter.element("queryLocator", $0) } ?? SOAPWriter.nothing("queryLocator")
        for record in page?.array("records") ?? [] { content += try element("records", record) }
        if case .number(let size) = page?["totalSize"] { content += SOAPWriter.element("size", size) }
        return "<\(name) xsi:type=\"QueryResult\">\(content)</\(name)>"
    }

    private mutating func field(_ member: JSONValue.Member, of object: String) throws(OrgError) -> String {
        let name = "sf:" + member.name
        switch member.value {
        case .null, .array: return SOAPWriter.nothing(name)
        case .boolean(let flag): return SOAPWriter.element(name, flag ? "true" : "false")
        case .number(let text): return SOAPWriter.element(name, text)
        case .string(let text):
            let isTime = try isDateTime(member.name, of: object, text)
            return SOAPWriter.element(name, isTime ? SOAPWriter.time(ofREST: text) : text)
        case .object:
            let value = JSONObject(member.value)
            if value?["records"] != nil { return try page(name, member.value) }
            if value?["attributes"] != nil { return try element(name, member.value) }
            // An address or a place.
            let parts = (value?.members ?? []).map { SOAPWriter.value($0.name, $0.value) }.joined()
            let type = value?["street"] == nil ? "location" : "address"
            return "<\(name) xsi:type=\"\(type)\">\(parts)</\(name)>"
        }
    }

    /// The rows of an aggregate query are of no object: there the form decides.
    private mutating func isDateTime(
        _ field: String, of object: String, _ text: String
    ) throws(OrgError) -> Bool {
        guard SOAPWriter.isTimeOfREST(text) else { return false }
        guard object != "AggregateResult" else { return true }
        if dateTimes[object] == nil {
            let fields = JSONObject(try work.describe(object).document)?.array("fields") ?? []
            dateTimes[object] = Set(
                fields.compactMap { field in
                    let field = JSONObject(field)
                    return field?.text("type") == "datetime" ? field?.text("name") : nil
                })
        }
        return dateTimes[object]?.contains(field) == true
    }
}
