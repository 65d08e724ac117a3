import Doors

extension Sandbox {
    /// What a test has ordered to befall a job at this point; nil: nothing.
    func bulkFault(_ job: BulkJobInfo, rowsDone: Int) -> OrgError? { nil }
}
