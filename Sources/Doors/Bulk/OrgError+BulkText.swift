extension OrgError {
    /// `REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --`, as result rows of the Bulk API say it.
    package var bulkText: String {
        let fields = (fields ?? []).joined(separator: ", ")
        return "\(errorCode):\(message):\(fields.isEmpty ? "" : fields + " ")--"
    }
}
