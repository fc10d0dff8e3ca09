"""What surrounds the function and stays out of its artifact.

local, reloader, signals   the local server
smoke                      the test of a deployed function
standin                    the stand-in for OpenAI
events                     events for `sam local invoke`
requirements               the locked dependencies
*.sh                       the artifact, environments, Debian packages
"""
