public import NIOCore

extension ChangeEventHeader {
    /// Reads the header at the start of a change event's payload whose schema is not at hand, by the layout that every
    /// change event schema has had. What follows the header is not looked at.
    public init(prefixOf payload: ByteBuffer) throws(AvroError) {
        var reader = StandardHeaderReader()
        let outcome = payload.withUnsafeReadableBytes { bytes -> Result<ChangeEventHeader, AvroFault> in
            var cursor = AvroCursor(bytes)
            do throws(AvroFault) {
                return .success(try reader.read(&cursor))
            } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .success(let header): self = header
        case .failure(let fault): throw fault.error(path: "\(EventSchema.headerName).\(reader.field)")
        }
    }

    static let placeholder = ChangeEventHeader(
        entityName: "", recordIDs: [], changeType: .create, changeOrigin: "", transactionKey: "", sequenceNumber: 0,
        commitTimestamp: 0, commitNumber: 0, commitUser: "")
}

/// Reads a header by the standard layout, remembering the field it is at.
private struct StandardHeaderReader {
    private(set) var field = ""

    mutating func read(_ cursor: inout AvroCursor) throws(AvroFault) -> ChangeEventHeader {
        var header = ChangeEventHeader.placeholder
        field = "entityName"
        header.entityName = try cursor.string()
        field = "recordIds"
        header.recordIDs = try cursor.strings()
        field = "changeType"
        let start = cursor.offset
        let symbol = try cursor.long()
        guard let index = Int(exactly: symbol), ChangeType.allCases.indices.contains(index) else {
            throw AvroFault(.badSymbol, at: start)
        }
        header.changeType = ChangeType.allCases[index]
        field = "changeOrigin"
        header.changeOrigin = try cursor.string()
        field = "transactionKey"
        header.transactionKey = try cursor.string()
        field = "sequenceNumber"
        header.sequenceNumber = try cursor.int()
        field = "commitTimestamp"
        header.commitTimestamp = try cursor.long()
        field = "commitNumber"
        header.commitNumber = try cursor.long()
        field = "commitUser"
        header.commitUser = try cursor.string()
        field = "nulledFields"
        header.nulledFields = try cursor.strings()
        field = "diffFields"
        header.diffFields = try cursor.strings()
        field = "changedFields"
        header.changedFields = try cursor.strings()
        return header
    }
}

extension AvroCursor {
    /// An array of strings.
    mutating func strings() throws(AvroFault) -> [String] {
        var strings: [String] = []
        while true {
            let (items, end) = try block(itemBytesMin: 1)
            if items == 0 {
                try endOfBlock(end)
                return strings
            }
            for _ in 0..<items { strings.append(try string()) }
            try endOfBlock(end)
        }
    }
}
