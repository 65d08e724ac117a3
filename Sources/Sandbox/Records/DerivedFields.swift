import ChangeEvents
import Store

/// Values that a record shows and does not hold: they are read from other records at the time of the answer, and no
/// change event tells of them.
enum DerivedFields {
    /// Field of the case, and of the contact that it is read from.
    private static let ofCase = [
        "ContactPhone": "Phone", "ContactMobile": "MobilePhone", "ContactEmail": "Email", "ContactFax": "Fax",
    ]

    static func values(
        of image: RecordImage, _ object: ObjectDefinition, _ reader: any StoreReader
    ) throws -> [String: FieldValue] {
        guard object.name == ObjectDefinition.case.name, case .string(let text) = image.fields["ContactId"] ?? .null,
            let id = RecordID(text), let contact = try reader.record(entity: ObjectDefinition.contact.name, id: id),
            !contact.isDeleted
        else { return [:] }
        return ofCase.mapValues { contact.image.fields[$0] ?? .null }
    }
}
