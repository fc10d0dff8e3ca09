"""The store in one DynamoDB table, for any number of processes.

store          the methods of the port, in threads
turns          heads of turns
log            batches and requests to stop
conversations  lines of an owner's list
references     which turns a conversation has
items          values of the port <-> items
table          operations on the table, with paging and retries
client         boto3's client and its errors
"""
