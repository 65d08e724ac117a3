public import ChangeEvents
import Foundation
import NIOCore
import NIOHTTP1

/// One page of a query's answer.
public struct QueryPage: Sendable, Hashable {
    /// Rows of the whole answer, as the org counted them.
    public var totalSize: Int
    /// Objects; `RowDecoder` reads them.
    public var records: [RESTValue]
    /// Where the next page is; nil: this is the last.
    var next: String?
}

/// The pages of a query, each asked for when the loop comes to it.
public struct QueryPages: AsyncSequence, Sendable {
    let api: OrgAPI
    let soql: String
    let includingDeleted: Bool

    public struct Iterator: AsyncIteratorProtocol {
        private enum Place {
            case start
            case at(String)
            case end
        }

        private let pages: QueryPages
        private var place = Place.start

        fileprivate init(_ pages: QueryPages) { self.pages = pages }

        /// Throws as every call of `OrgAPI` does.
        public mutating func next() async throws -> QueryPage? {
            let page: QueryPage
            switch place {
            case .start:
                page = try await pages.api.firstPage(pages.soql, includingDeleted: pages.includingDeleted)
            case .at(let target): page = try await pages.api.page(at: target)
            case .end: return nil
            }
            place = page.next.map { .at($0) } ?? .end
            return page
        }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(self) }
}

extension OrgAPI {
    /// A URL that is longer goes as the part of a composite request; Salesforce refuses them past 16,384 bytes.
    static let targetBytesMax = 14_000
    /// Salesforce's bound of a query's text.
    static let queryCharactersMax = 100_000
    /// Salesforce's bound of records read by id in one call.
    public static let recordsByIDMax = 200

    /// The pages of a query's answer.
    /// - Parameter includingDeleted: `queryAll`: also what lies in the recycle bin, with `IsDeleted` true.
    public func query(_ soql: String, includingDeleted: Bool = false) -> QueryPages {
        QueryPages(api: self, soql: soql, includingDeleted: includingDeleted)
    }

    /// The number that `SELECT COUNT() FROM …` answers.
    public func count(_ soql: String, includingDeleted: Bool = false) async throws -> Int {
        try await firstPage(soql, includingDeleted: includingDeleted).totalSize
    }

    /// Records by their ids, at most 200, in no order. Ids without a record are not in the answer: with
    /// `includingDeleted`, they are gone for good.
    /// - Parameter fields: API names; `Id` need not be among them.
    public func recordsByID(
        _ description: ObjectDescription, fields: [String], ids: [RecordID], includingDeleted: Bool = true
    ) async throws -> [OrgRow] {
        guard ids.count <= Self.recordsByIDMax else {
            throw OrgAPIError(
                .requestInvalid, "At most \(Self.recordsByIDMax) records are read by id at once, not \(ids.count).")
        }
        if ids.isEmpty { return [] }
        let columns = ["Id"] + fields.filter { $0.lowercased() != "id" }
        let list = ids.map { "'\($0.string)'" }.joined(separator: ",")
        let soql = "SELECT \(columns.joined(separator: ",")) FROM \(description.name) WHERE Id IN (\(list))"
        let decoder = RowDecoder(description, columns: columns)
        var rows: [OrgRow] = []
        rows.reserveCapacity(ids.count)
        for try await page in query(soql, includingDeleted: includingDeleted) {
            for record in page.records { rows.append(try decoder.decode(record)) }
        }
        return rows
    }

    func firstPage(_ soql: String, includingDeleted: Bool) async throws -> QueryPage {
        guard soql.count <= Self.queryCharactersMax else {
            throw OrgAPIError(
                .requestInvalid, "The query has \(soql.count) characters, more than \(Self.queryCharactersMax).")
        }
        let target = "\(Self.root)/\(includingDeleted ? "queryAll" : "query")?q=\(URLText.escaped(soql))"
        if target.utf8.count <= Self.targetBytesMax { return try await page(at: target) }
        return try await page(composite: target)
    }

    fileprivate func page(at target: String) async throws -> QueryPage {
        let call = OrgCall(target: target, deadline: caller.timing.queryDeadline)
        return try Self.page(try await caller.answer(call, for: purpose).value())
    }

    /// The query as the only part of a composite request: its address is in the body.
    private func page(composite target: String) async throws -> QueryPage {
        struct Request: Encodable {
            struct Part: Encodable {
                var method = "GET"
                var url: String
                var referenceId = "query"
            }
            var compositeRequest: [Part]
        }
        var call = OrgCall(target: "\(Self.root)/composite", deadline: caller.timing.queryDeadline)
        call.method = .POST
        call.body = ByteBuffer(bytes: try JSONEncoder().encode(Request(compositeRequest: [.init(url: target)])))
        call.check = { answer, secret in
            let (status, body) = try Self.part(of: answer)
            if status >= 300 { throw OrgAPIError.answer(status: status, value: body, secret: secret) }
        }
        return try Self.page(try Self.part(of: try await caller.answer(call, for: purpose)).body)
    }

    private static func part(of answer: OrgAnswer) throws(OrgAPIError) -> (status: Int, body: RESTValue) {
        guard case .array(let parts)? = try answer.value()["compositeResponse"], let part = parts.first,
            let status = part["httpStatusCode"]?.integer, let body = part["body"]
        else { throw OrgAnswer.unreadable("part of a composite request") }
        return (Int(clamping: status), body)
    }

    private static func page(_ value: RESTValue) throws(OrgAPIError) -> QueryPage {
        guard let size = value["totalSize"]?.integer, let isDone = value["done"]?.boolean,
            case .array(let records) = value["records"] ?? .array([])
        else { throw OrgAnswer.unreadable("page of a query") }
        var next: String?
        if !isDone {
            guard let given = value["nextRecordsUrl"]?.string else { throw OrgAnswer.unreadable("next page's address") }
            next = try URLText.target(given)
        }
        return QueryPage(totalSize: Int(clamping: size), records: records, next: next)
    }
}
