internal import ChangeEvents
internal import HTTPTypes
internal import SOQL

/// One request of somebody known: from what was asked to what is read, and back.
struct ODataCall {
    let service: any ODataService
    let context: CallContext
    /// `http://127.0.0.1:8180/odata/v4/`
    let root: String
    /// Still encoded.
    let query: String
    let headers: HTTPFields

    func answer(_ path: ODataPath) async throws -> ODataAnswer {
        switch path {
        case .serviceDocument:
            let options = try ODataOptions(query, allowed: ["$format"])
            let format = try format(options)
            let types = try await service.entityTypes(context)
            return ODataAnswer(
                ODataMetadata.service(types, root: root, isWithContext: format.isMinimal), format)
        case .metadata:
            // XML whatever is accepted: clients ask for it with the headers of their other requests.
            return ODataAnswer(ODataMetadata.csdl(try await service.entityTypes(context)), type: "application/xml")
        case .set(let name): return try await page(try await type(name))
        case .count(let name): return try await count(try await type(name))
        case .entity(let name, let key): return try await entity(try await type(name), key)
        }
    }

    private func type(_ name: String) async throws -> ODataEntityType {
        guard let type = try await service.entityType(name, context) else {
            throw ODataError.notFound("There is no entity set '\(ODataPath.quoted(name))'.")
        }
        return type
    }

    // MARK: One entity

    private func entity(_ type: ODataEntityType, _ key: String) async throws -> ODataAnswer {
        let options = try ODataOptions(query, allowed: ["$select", "$format"])
        let writer = ODataWriter(
            root: root, type: type, select: try options.select(type), format: try format(options))
        var query = Self.query(type, writer.columns, [])
        query.filter = Filter(writer.columns.properties[writer.columns.key], .exact(.among([ExactText(key)])))
        guard let row = try await service.read(ODataRead(query: query, limit: 1), context).rows.first else {
            throw ODataError.notFound("\(type.name) has no entity with this key. Keys are ids of 18 characters.")
        }
        return ODataAnswer(writer.single(row), writer.format)
    }

    // MARK: Sets

    private func count(_ type: ODataEntityType) async throws -> ODataAnswer {
        let options = try ODataOptions(query, allowed: ["$filter", "$search"])
        let claim = try options.claim(type)
        var count = 0
        if let query = Self.counting(type, claim) {
            count = try await service.read(ODataRead(query: nil, count: query), context).count ?? 0
        }
        return ODataAnswer(String(count), type: "text/plain;charset=UTF-8")
    }

    private func page(_ type: ODataEntityType) async throws -> ODataAnswer {
        let options = try ODataOptions(
            query,
            allowed: [
                "$select", "$filter", "$orderby", "$top", "$skip", "$count", "$search", "$skiptoken", "$format",
            ])
        let claim = try options.claim(type)
        let order = try options.order(type)
        let writer = ODataWriter(
            root: root, type: type, select: try options.select(type), order: order, format: try format(options))
        let skip = try options.number("$skip", max: ODataOptions.skipMax) ?? 0
        let preferred = preferredPageSize
        var left = try options.number("$top", max: ODataOptions.topMax)
        var pageSize = min(preferred ?? ODataDoor.pageSizeMax, ODataDoor.pageSizeMax)
        var query = Self.query(type, writer.columns, order)
        if let text = options["$skiptoken"] {
            guard let token = ODataSkipToken(text, order), skip == 0 else {
                throw ODataError.invalid("$skiptoken", "$skiptoken is not from a link to a next page of this order.")
            }
            query.after = token.after
            left = token.left
            if preferred == nil { pageSize = min(token.pageSize, ODataDoor.pageSizeMax) }
        }
        let limit = min(pageSize, left ?? pageSize)
        let counting = try options.flag("$count")
        var read = ODataRead(
            query: nil, offset: skip, limit: limit, count: counting ? Self.counting(type, claim) : nil,
            rowBytes: writer.rowBytes, bytesMax: ODataDoor.pageBytesMax)
        var rows = ODataRows(rows: [], hasMore: false, count: counting ? 0 : nil)
        switch claim {
        case .always(false): break
        case .always(true): read.query = limit > 0 ? query : nil
        case .filter(let filter):
            query.filter = filter
            read.query = limit > 0 ? query : nil
        }
        if read.query != nil || read.count != nil { rows = try await service.read(read, context) }
        var link: String?
        left = left.map { $0 - rows.rows.count }
        if rows.hasMore, left != 0, let last = rows.rows.last {
            let place = writer.columns.order.map { last[$0] }
            link = try nextLink(type, ODataSkipToken(after: place, order, left: left, pageSize: pageSize))
        }
        var answer = ODataAnswer(writer.page(rows.rows, count: rows.count, nextLink: link), writer.format)
        if preferred != nil, let name = HTTPField.Name("Preference-Applied") {
            answer.headers[name] = "odata.maxpagesize=\(pageSize)"
        }
        return answer
    }

    private static func query(_ type: ODataEntityType, _ columns: ODataColumns, _ order: [ODataOrder]) -> Query {
        var query = Query(
            items: columns.properties.map { .term($0.term, alias: nil) },
            object: PlacedName(spelling: type.name, place: 0))
        query.order = order.map(\.term)
        return query
    }

    /// Nil: nothing is counted, there are none.
    private static func counting(_ type: ODataEntityType, _ claim: ODataClaim) -> Query? {
        var query = Query(items: [.rowCount(place: 0)], object: PlacedName(spelling: type.name, place: 0))
        switch claim {
        case .always(false): return nil
        case .always(true): break
        case .filter(let filter): query.filter = filter
        }
        return query
    }

    // MARK: Pages

    /// The request as it was, but for the place where it goes on.
    private func nextLink(_ type: ODataEntityType, _ token: ODataSkipToken) throws(ODataError) -> String {
        var parts: [String] = []
        for part in query.split(separator: "&") {
            let name = FormDecoding.decode(part.prefix { $0 != "=" }, plusIsSpace: true)
            if name != "$skip", name != "$skiptoken" { parts.append(String(part)) }
        }
        parts.append("$skiptoken=\(token.text)")
        let link = "\(root)\(type.name)?\(parts.joined(separator: "&"))"
        guard link.utf8.count <= ODataDoor.linkBytesMax else {
            throw .invalid(
                "$orderby",
                "The link to the next page would be longer than \(ODataDoor.linkBytesMax) bytes: "
                    + "order by shorter texts, or filter by less.")
        }
        return link
    }

    /// `Prefer: odata.maxpagesize=500`; what cannot be read is no preference.
    private var preferredPageSize: Int? {
        guard let name = HTTPField.Name("Prefer"), let value = headers[name] else { return nil }
        for preference in value.split(whereSeparator: { $0 == "," || $0 == ";" }) {
            let parts = preference.split(separator: "=").map { $0.filter { $0 != " " && $0 != "\"" } }
            guard parts.count == 2, ["odata.maxpagesize", "maxpagesize"].contains(parts[0].lowercased()),
                let size = Int(parts[1]), size > 0
            else { continue }
            return min(size, ODataDoor.pageSizeMax)
        }
        return nil
    }

    /// Throws 406 where JSON is not accepted.
    private func format(_ options: ODataOptions) throws(ODataError) -> ODataFormat {
        let accept = headers[.accept]
        guard options["$format"] != nil || RESTRequest.acceptsJSON(accept) else {
            throw ODataError(406, "NotAcceptable", "Answers are application/json.")
        }
        return ODataFormat(options["$format"] ?? accept ?? "")
    }
}
