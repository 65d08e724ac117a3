import Foundation
import NIOHTTP1

extension OrgAPI {
    /// Rows of a query of the Tooling API (`GET /tooling/query`), its first page: for lists that are short.
    public func toolingQuery(_ soql: String) async throws -> [RESTValue] {
        let call = OrgCall(
            target: "\(Self.root)/tooling/query?q=\(URLText.escaped(soql))", deadline: caller.timing.queryDeadline)
        guard case .array(let records)? = try await caller.answer(call, for: purpose).value()["records"] else {
            throw OrgAnswer.unreadable("records")
        }
        return records
    }

    /// The objects whose changes the org captures: names of their events (`CaseChangeEvent`), on whatever channel. An event of
    /// an object of one's own may stand there as the id of its definition.
    public func capturedEvents() async throws -> [String] {
        try await toolingQuery("SELECT SelectedEntity FROM PlatformEventChannelMember").compactMap {
            $0["SelectedEntity"]?.string
        }
    }

    /// What the org's clock says less ours, in seconds, as its answers' `Date` tells; nil: they do not.
    public func clockOffset() async throws -> Int? {
        let call = OrgCall(target: "\(Self.root)/limits", deadline: caller.timing.callDeadline)
        let answer = try await caller.answer(call, for: purpose)
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        guard let text = answer.headers.first(name: "date"), let date = formatter.date(from: text) else { return nil }
        return Int(date.timeIntervalSince(Date()).rounded())
    }
}
