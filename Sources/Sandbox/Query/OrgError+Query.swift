import Doors
import SOQL

extension OrgError {
    /// A query that is refused, with the text that points at the place.
    init(_ error: QueryError, in soql: String) {
        self.init(status: Self.statusBadRequest, errorCode: error.code.rawValue, message: error.text(in: soql))
    }

    static func queryTimeout() -> OrgError {
        OrgError(
            status: statusBadRequest, errorCode: "QUERY_TIMEOUT",
            message: "Your query request was running for too long.")
    }

    static func invalidLocator() -> OrgError {
        OrgError(status: statusBadRequest, errorCode: "INVALID_QUERY_LOCATOR", message: "invalid query locator")
    }
}
