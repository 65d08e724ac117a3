public import ChangeEvents
public import SOQL

/// One record at one moment, as conditions see it: the header of the change, and either an image or the event's own
/// values.
///
/// Names are found as Salesforce writes them anywhere: flat (`BillingCity`, `LastName`), through their compound
/// (`BillingAddress.City`, `Name.LastName`), `Id`, and `ChangeEventHeader.x` for the header's plain fields; case is
/// ignored. Where there is an image nothing is taken from the event's values, because a before image must not see the
/// change. Made per change; immutable, and an object so that handing it on copies no header.
public final class RecordSource: FieldSource, Sendable {
    private let header: ChangeEventHeader
    private let id: RecordID
    /// Where there is an image.
    private let imageFields: RecordFields?
    /// Where there is none.
    private let values: [String: FieldValue]
    /// True where a field that is not in the image is empty; otherwise it is unknown.
    private let isComplete: Bool

    /// - Parameters:
    ///   - image: the record before or after the change; nil where the object is not tracked or the record is unknown.
    ///   - values: what the event says (`ChangeEvent.values`); used only without an image.
    public init(header: ChangeEventHeader, id: RecordID, image: RecordImage?, values: [String: FieldValue]) {
        self.header = header
        self.id = id
        imageFields = image?.fields
        self.values = values
        isComplete = image?.isComplete ?? false
    }

    public func value(of field: String) -> Value? {
        if let value = known(field) { return Value(value) }
        guard let dot = field.utf8.firstIndex(of: UInt8(ascii: ".")) else { return simpleValue(of: field) }
        let parent = field[..<dot]
        let component = field[field.utf8.index(after: dot)...]
        if parent.isSameName(as: "ChangeEventHeader") { return headerValue(of: component) }
        guard let flat = CompoundName.flatName(parent: parent, component: component) else { return nil }
        if let value = known(flat) { return Value(value) }
        return simpleValue(of: flat)
    }

    private func known(_ name: String) -> FieldValue? {
        if let imageFields { imageFields[name] } else { values[name] }
    }

    /// A name without dots that is not spelled as the record spells it, or is not in it.
    private func simpleValue(of field: String) -> Value? {
        if field.isSameName(as: "Id") { return id == .empty ? nil : .string(id.string) }
        let length = field.utf8.count
        let isMeant = { (name: String) in name.utf8.count == length && name.isSameName(as: field) }
        if let imageFields {
            if let name = imageFields.shape.names.first(where: isMeant), let value = imageFields[name] {
                return Value(value)
            }
        } else if let entry = values.first(where: { isMeant($0.key) }) {
            return Value(entry.value)
        }
        // The header as a whole is not a value.
        if field.isSameName(as: "ChangeEventHeader") { return nil }
        return isComplete ? .null : nil
    }

    /// In lower case.
    static let headerFields: Set<String> = [
        "entityname", "changetype", "changeorigin", "transactionkey", "sequencenumber", "committimestamp",
        "commitnumber",
        "commituser",
    ]

    /// `recordIds` and the bitmaps cannot be used, as in Salesforce's channel filters.
    private func headerValue(of component: Substring) -> Value? {
        switch component.lowercased() {
        case "entityname": .string(header.entityName)
        case "changetype": .string(header.changeType.rawValue)
        case "changeorigin": .string(header.changeOrigin)
        case "transactionkey": .string(header.transactionKey)
        case "sequencenumber": .integer(Int64(header.sequenceNumber))
        case "committimestamp": .integer(header.commitTimestamp)
        case "commitnumber": .integer(header.commitNumber)
        case "commituser": .string(header.commitUser)
        default: nil
        }
    }
}

extension StringProtocol {
    /// Names of objects and fields are ASCII and compare without case.
    func isSameName(as other: some StringProtocol) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        return zip(utf8, other.utf8).allSatisfy { left, right in
            left == right
                || (left | 0x20 == right | 0x20 && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(left | 0x20))
        }
    }
}
