internal import SOQL

/// The query options of a request, as they were written: known names, each once.
struct ODataOptions: Sendable {
    /// Terms of `$orderby`; a page's place names a value for each.
    static let orderTermsMax = 8
    /// Rows that `$skip` passes over: they are read all the same.
    static let skipMax = 1_000_000
    static let searchCharactersMax = 1_000
    static let topMax = Int(Int32.max)

    private var texts: [String: String] = [:]

    private static let known: Set<String> = [
        "$select", "$filter", "$orderby", "$top", "$skip", "$count", "$search", "$skiptoken", "$format",
    ]
    private static let unsupported: Set<String> = [
        "$expand", "$apply", "$compute", "$levels", "$deltatoken", "$index", "$schemaversion", "$inlinecount",
    ]

    /// Options without a dollar sign are the client's own and mean nothing.
    init(_ query: String, allowed: Set<String>) throws(ODataError) {
        guard let parameters = FormDecoding.parameters(query) else {
            throw ODataError(400, "BadRequest", "The query holds an escape that is not UTF-8.")
        }
        for (name, value) in parameters where name.hasPrefix("$") {
            if Self.unsupported.contains(name) { throw .unsupported(name, "The option \(name) is not supported.") }
            let shown = ODataPath.quoted(name)
            guard Self.known.contains(name) else { throw .invalid(shown, "There is no query option \(shown).") }
            guard allowed.contains(name) else { throw .invalid(name, "The option \(name) has no meaning here.") }
            guard texts.updateValue(value, forKey: name) == nil else {
                throw .invalid(name, "The option \(name) is given twice.")
            }
        }
        if let format = texts["$format"], !Self.isJSON(format) {
            throw ODataError(415, "UnsupportedMediaType", "Answers are JSON: $format=json.", target: "$format")
        }
    }

    private static func isJSON(_ format: String) -> Bool {
        let type = format.prefix { $0 != ";" }.lowercased()
        return type == "json" || type == "application/json"
    }

    subscript(name: String) -> String? { texts[name] }

    func number(_ name: String, max: Int) throws(ODataError) -> Int? {
        guard let text = texts[name] else { return nil }
        guard let number = ODataTime.number(text.utf8), number <= max else {
            throw .invalid(name, "\(name) is a whole number from 0 to \(max).")
        }
        return number
    }

    func flag(_ name: String) throws(ODataError) -> Bool {
        switch texts[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .invalid(name, "\(name) is true or false.")
        }
    }

    /// Nil: all properties.
    func select(_ type: ODataEntityType) throws(ODataError) -> [ODataProperty]? {
        guard let text = texts["$select"] else { return nil }
        var selected: [ODataProperty] = []
        var isAll = false
        for (name, place) in Self.items(text) {
            if name == "*" {
                isAll = true
                continue
            }
            guard let property = type.property(name) else { throw Self.noProperty(name, type, "$select", text, place) }
            if !selected.contains(property) { selected.append(property) }
        }
        return isAll ? nil : selected
    }

    /// The order, which ends with the key: no two rows stand at one place in it.
    func order(_ type: ODataEntityType) throws(ODataError) -> [ODataOrder] {
        var order: [ODataOrder] = []
        if let text = texts["$orderby"] {
            for (item, place) in Self.items(text) {
                let words = item.split(separator: " ")
                guard let name = words.first, words.count <= 2, words.count == 1 || ["asc", "desc"].contains(words[1])
                else {
                    throw ODataSyntaxError(message: "expected a property, then 'asc' or 'desc'", place: place)
                        .error(in: text, of: "$orderby")
                }
                guard let property = type.property(String(name)) else {
                    throw Self.noProperty(String(name), type, "$orderby", text, place)
                }
                guard property.isSortable else {
                    throw ODataSyntaxError(message: "\(property.name) cannot be sorted by", place: place)
                        .error(in: text, of: "$orderby")
                }
                // What is sorted by already has no order left to be brought into.
                if order.contains(where: { $0.property == property }) { continue }
                order.append(ODataOrder(property: property, isDescending: words.last == "desc"))
            }
        }
        guard order.count <= Self.orderTermsMax else {
            throw .invalid("$orderby", "$orderby has more than \(Self.orderTermsMax) properties.")
        }
        if let key = type.property(ODataEntityType.key), !order.contains(where: { $0.property == key }) {
            order.append(ODataOrder(property: key, isDescending: false))
        }
        return order
    }

    /// `$filter` and `$search` together.
    func claim(_ type: ODataEntityType) throws(ODataError) -> ODataClaim {
        var claims: [ODataClaim] = []
        if let text = texts["$filter"] {
            do throws(ODataSyntaxError) {
                claims.append(try ODataTranslation.claim(text, type))
            } catch {
                throw error.error(in: text, of: "$filter")
            }
        }
        if let text = texts["$search"] { claims.append(try Self.search(text, type)) }
        return .all(claims)
    }

    /// One phrase with its case, in any text property: `AND`, `OR` and `NOT` are words like others.
    private static func search(_ text: String, _ type: ODataEntityType) throws(ODataError) -> ODataClaim {
        guard text.unicodeScalars.count <= searchCharactersMax else {
            throw .invalid("$search", "$search is longer than \(searchCharactersMax) characters.")
        }
        let phrase = TextSearch(.phrase, text)
        guard !phrase.isEmpty else { throw .invalid("$search", "$search has no word to look for.") }
        return .any(type.properties.filter(\.isSearched).map { .filter(Filter($0, .exact(.search(phrase)))) })
    }

    /// The parts between commas, trimmed, with their byte offsets.
    private static func items(_ text: String) -> [(text: String, place: Int)] {
        var items: [(String, Int)] = []
        var offset = 0
        for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let blanks = part.prefix { $0 == 0x20 }.count
            var trimmed = part.dropFirst(blanks)
            while trimmed.last == 0x20 { trimmed.removeLast() }
            items.append((String(Substring(trimmed)), offset + blanks))
            offset += part.count + 1
        }
        return items
    }

    private static func noProperty(
        _ name: String, _ type: ODataEntityType, _ option: String, _ text: String, _ place: Int
    ) -> ODataError {
        ODataSyntaxError(message: "\(type.name) has no property '\(ODataPath.quoted(name))'", place: place)
            .error(in: text, of: option)
    }
}

/// One term of the order.
struct ODataOrder: Hashable, Sendable {
    var property: ODataProperty
    var isDescending: Bool

    /// Nulls are the smallest values in OData: the last ones of a descending order.
    var term: OrderTerm {
        OrderTerm(term: property.term, isDescending: isDescending, nullsLast: isDescending)
    }
}
