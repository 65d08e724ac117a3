/// What is known of one record at one moment: the before or after image of a change.
///
/// Field names are those of the REST API: components of compound fields stand alone (`BillingStreet`, `FirstName`,
/// `MailingCity`), never inside a compound. `Id` is not among the fields.
public struct RecordImage: Hashable, Sendable {
    /// API name of the object: `Case`, `Employee__c`.
    public var entity: String
    public var id: RecordID
    /// Known fields. A field that is known to be empty is `.null`; a field that is not known is absent.
    public var fields: RecordFields
    /// True when every field of the object is known, so that an absent field is null. False for a row that began with a
    /// partial update (see `docs/architecture.md`, "Partial rows").
    public var isComplete: Bool

    public init(entity: String, id: RecordID, fields: RecordFields, isComplete: Bool) {
        self.entity = entity
        self.id = id
        self.fields = fields
        self.isComplete = isComplete
    }

    public init(entity: String, id: RecordID, fields: [String: FieldValue], isComplete: Bool) {
        self.init(entity: entity, id: id, fields: RecordFields(fields), isComplete: isComplete)
    }
}

/// What one event did to one record. A merged event has one for each of its record ids, in their order.
public struct RecordTransition: Hashable, Sendable {
    public var id: RecordID
    /// Nil: the record was not there (created, undeleted) or nothing was known of it.
    public var before: RecordImage?
    /// Nil: the record is gone, or the object is not tracked.
    public var after: RecordImage?

    public init(id: RecordID, before: RecordImage?, after: RecordImage?) {
        self.id = id
        self.before = before
        self.after = after
    }
}
