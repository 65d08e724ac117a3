/// The XML of Bulk API 1.0.
package enum BulkXML {
    package static let namespace = "http://www.force.com/2009/06/asyncapi/dataload"
    static let prolog = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

    static func job(_ job: BulkJobInfo) -> String {
        document("jobInfo", members(BulkJSON.classicMembers(job), times: [job.createdDate, job.systemModstamp]))
    }

    static func batch(_ batch: BulkBatchInfo) -> String { document("batchInfo", content(of: batch)) }

    static func batches(_ batches: [BulkBatchInfo]) -> String {
        document("batchInfoList", batches.map { "<batchInfo>\(content(of: $0))</batchInfo>" }.joined())
    }

    static func resultIDs(_ ids: [String]) -> String {
        document("result-list", ids.map { "<result>\(XMLText.escaped($0))</result>" }.joined())
    }

    static func error(_ error: OrgError) -> String {
        document(
            "error",
            "<exceptionCode>\(XMLText.escaped(error.errorCode))</exceptionCode>"
                + "<exceptionMessage>\(XMLText.escaped(error.message))</exceptionMessage>")
    }

    static func outcome(_ outcome: BulkOutcome) -> String {
        switch outcome {
        case .done(let id, let isCreated):
            return "<result><id>\(id)</id><success>true</success><created>\(isCreated)</created></result>"
        case .failed(let id, let error):
            let fields = (error.fields ?? []).map { "<fields>\(XMLText.escaped($0))</fields>" }.joined()
            return "<result>" + (id.map { "<id>\(XMLText.escaped($0))</id>" } ?? "")
                + "<errors>\(fields)<message>\(XMLText.escaped(error.message))</message>"
                + "<statusCode>\(XMLText.escaped(error.errorCode))</statusCode></errors>"
                + "<success>false</success><created>false</created></result>"
        }
    }

    static func head(_ name: String) -> String {
        "\(prolog)<\(name) xmlns=\"\(namespace)\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
    }

    private static func content(of batch: BulkBatchInfo) -> String {
        members(BulkJSON.batchMembers(batch), times: [batch.createdDate, batch.systemModstamp])
    }

    /// Nulls are left out, and dates end in Z.
    private static func members(_ members: [(name: String, value: JSONValue)], times: [Int64]) -> String {
        var times = times[...]
        return members.map { name, value in
            let text: String
            switch value {
            case .string where name == "createdDate" || name == "systemModstamp":
                text = times.popFirst().map(BulkTime.xml) ?? ""
            case .string(let string): text = XMLText.escaped(string)
            case .number(let number): text = number
            case .boolean(let flag): text = String(flag)
            case .null, .array, .object: return ""
            }
            return "<\(name)>\(text)</\(name)>"
        }.joined()
    }

    private static func document(_ name: String, _ content: String) -> String {
        "\(prolog)<\(name) xmlns=\"\(namespace)\">\(content)</\(name)>"
    }
}
