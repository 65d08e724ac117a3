import ChangeEvents
import Matching
import Testing

/// Makes record changes of cases.
enum Changes {
    static let id = recordID("500xx0000000001")
    static let channel = "/data/CaseChangeEvent"

    /// A nil image is one that is not known.
    static func input(
        _ type: ChangeType, before: [String: FieldValue]?, after: [String: FieldValue]?,
        values: [String: FieldValue] = [:],
        isComplete: Bool = true, id: RecordID = id
    ) -> MatchInput {
        let header = ChangeEventHeader(
            entityName: "Case", recordIDs: [id.string], changeType: type,
            changeOrigin: "com/salesforce/api/rest/67.0;client=x",
            transactionKey: "0002343d-9d90-e395-ed20-cf416ba652ad", sequenceNumber: 1,
            commitTimestamp: 1_783_593_000_000,
            commitNumber: 10_585_193_272_713, commitUser: "005xx000001X83aAAC")
        func image(_ fields: [String: FieldValue]) -> RecordImage {
            RecordImage(entity: "Case", id: id, fields: fields, isComplete: isComplete)
        }
        return MatchInput(
            channel: channel, header: header,
            transition: RecordTransition(id: id, before: before.map(image), after: after.map(image)), values: values)
    }

    static func recordID(_ text: String) -> RecordID {
        guard let id = RecordID(text) else { preconditionFailure("\(text) is an id") }
        return id
    }
}
