import Doors

extension Sandbox {
    /// Asked before each part of a bulk job: what the job fails with, on command. What it has done stays.
    func bulkFault(_ job: BulkJobInfo, rowsDone: Int) -> OrgError? {
        faults.bulkFault(job: job.id, object: job.object, rowsDone: rowsDone)
    }
}
